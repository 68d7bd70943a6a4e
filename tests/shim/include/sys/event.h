/* SPDX-License-Identifier: MIT */
/*
 * sys/event.h - kqueue's interface, for systems that have none
 *
 * For test builds only: kqueue.c implements what FreeBSD's manual page
 * kqueue(2) says of what is declared here. ../../README.md lists what it
 * cannot show.
 */
#ifndef IV__SHIM_SYS_EVENT_H
#define IV__SHIM_SYS_EVENT_H

#include <stdint.h>
#include <time.h>

struct kevent {
	uintptr_t ident;
	short filter;
	unsigned short flags;
	unsigned int fflags;
	intptr_t data;
	void *udata;
};

#define EV_SET(kev, ident_, filter_, flags_, fflags_, data_, udata_) \
	(*(kev) = (struct kevent){                                   \
		 .ident = (uintptr_t)(ident_),                       \
		 .filter = (short)(filter_),                         \
		 .flags = (unsigned short)(flags_),                  \
		 .fflags = (unsigned int)(fflags_),                  \
		 .data = (intptr_t)(data_),                          \
		 .udata = (udata_),                                  \
	 })

/* filter */
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_TIMER (-7)
#define EVFILT_USER (-11)

/* flags: what to do */
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008

/* flags: how */
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_DISPATCH 0x0080

/* flags: what comes back */
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

/* fflags of EVFILT_READ and EVFILT_WRITE */
#define NOTE_LOWAT 0x0001
#define NOTE_FILE_POLL 0x0002

/* fflags of EVFILT_TIMER */
#define NOTE_SECONDS 0x0001
#define NOTE_MSECONDS 0x0002
#define NOTE_USECONDS 0x0004
#define NOTE_NSECONDS 0x0008

/* fflags of EVFILT_USER */
#define NOTE_FFNOP 0x00000000u
#define NOTE_FFAND 0x40000000u
#define NOTE_FFOR 0x80000000u
#define NOTE_FFCOPY 0xc0000000u
#define NOTE_FFCTRLMASK 0xc0000000u
#define NOTE_FFLAGSMASK 0x00ffffffu
#define NOTE_TRIGGER 0x01000000u

int kqueue(void);
int kevent(int kq, const struct kevent *changelist, int nchanges,
	   struct kevent *eventlist, int nevents,
	   const struct timespec *timeout);

#endif
