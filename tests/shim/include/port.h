/* SPDX-License-Identifier: MIT */
/*
 * port.h - Solaris's event ports, as their manual has them: port_create(3c),
 * port_associate(3c), port_get(3c), port_send(3c), port_alert(3c) and, for
 * timers, timer_create(3c) with SIGEV_PORT of signal.h(3head)
 *
 * A file that includes this has its close and timer calls looked at first,
 * whether they mean a port. A file includes this or <sys/devpoll.h>, not both.
 */
#ifndef SHIM_PORT_H
#define SHIM_PORT_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

/* portev_source */
enum {
	PORT_SOURCE_AIO = 1,
	PORT_SOURCE_TIMER = 2,
	PORT_SOURCE_USER = 3,
	PORT_SOURCE_FD = 4,
	PORT_SOURCE_ALERT = 5,
	PORT_SOURCE_MQ = 6,
	PORT_SOURCE_FILE = 7,
};

/* port_alert() */
enum { PORT_ALERT_SET = 1, PORT_ALERT_UPDATE = 2 };

/* sigev_notify: what Linux has there ends below. */
#define SIGEV_PORT 16

typedef unsigned int uint_t;
typedef unsigned short ushort_t;
typedef struct timespec timespec_t;

typedef struct port_event {
	int portev_events;	 /* what happened */
	ushort_t portev_source;	 /* PORT_SOURCE_... */
	uintptr_t portev_object; /* to what: of the source */
	void *portev_user;	 /* the caller's own */
} port_event_t;

/* What sigev_value.sival_ptr points to with SIGEV_PORT. */
typedef struct port_notify {
	int portnfy_port;
	void *portnfy_user;
} port_notify_t;

int port_create(void);
int port_associate(int port, int source, uintptr_t object, int events,
		   void *user);
int port_dissociate(int port, int source, uintptr_t object);
int port_get(int port, port_event_t *pe, const timespec_t *timeout);
int port_getn(int port, port_event_t list[], uint_t max, uint_t *nget,
	      const timespec_t *timeout);
int port_send(int port, int events, void *user);
int port_sendn(int ports[], int errors[], uint_t nent, int events, void *user);
int port_alert(int port, int flags, int events, void *user);

/*
 * process.max-port-events for the ports that are created from now on; stands
 * for setrctl(2).
 */
void shim_port_set_max_events(unsigned int num);

/*
 * What the manual leaves open, done the other way; also the number in the
 * environment variable SHIM_PORT_QUIRKS.
 */
enum {
	SHIM_PORT_STALE = 1, /* dissociating leaves an event that waits */
	SHIM_PORT_NGET = 2,  /* an error leaves *nget as it was */
	SHIM_PORT_EMPTY = 4, /* each third port_getn() finds nothing */
};

void shim_port_set_quirks(unsigned int quirks);

int shim_port_close(int fd);
int shim_port_timer_create(clockid_t clock, struct sigevent *event,
			   timer_t *timer);
int shim_port_timer_settime(timer_t timer, int flags,
			    const struct itimerspec *value,
			    struct itimerspec *old);
int shim_port_timer_delete(timer_t timer);

#define close(fd) shim_port_close(fd)
#define timer_create(clock, event, timer) \
	shim_port_timer_create(clock, event, timer)
#define timer_settime(timer, flags, value, old) \
	shim_port_timer_settime(timer, flags, value, old)
#define timer_delete(timer) shim_port_timer_delete(timer)

#endif
