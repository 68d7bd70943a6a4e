/* SPDX-License-Identifier: MIT */
/*
 * kqueue_filter.c - the state of what the kqueue shim watches
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "kqueue.h"

static short poll_now(uintptr_t fd, short events)
{
	struct pollfd pfd = { .fd = (int)fd, .events = events };

	return poll(&pfd, 1, 0) > 0 ? pfd.revents : 0;
}

static int option(uintptr_t fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt((int)fd, SOL_SOCKET, name, &value, &len) < 0)
		return 0;

	return value;
}

/*
 * The kernel's number of an error cannot be had here without taking it away
 * from the program: any is said to be a reset.
 */
static bool is_at_end(const struct source *source, short revents, short ends,
		      struct kevent *out)
{
	bool is_error = S_ISSOCK(source->mode) && revents & POLLERR;

	/* What came back for one datagram is not the end. */
	if (is_error && option(out->ident, SO_TYPE) == SOCK_DGRAM)
		return false;
	if (!(revents & ends))
		return false;

	out->flags |= EV_EOF;
	if (is_error)
		out->fflags = ECONNRESET;

	return true;
}

static int num_readable(uintptr_t fd)
{
	int num = 0;

	if (option(fd, SO_ACCEPTCONN) || ioctl((int)fd, FIONREAD, &num) < 0)
		return 1;

	return num;
}

static bool is_readable(const struct source *source, const struct knote *knote,
			struct kevent *out)
{
	short revents = poll_now(out->ident, POLLIN | POLLRDHUP);
	intptr_t lowest = 1;

	if (revents == 0)
		return false;
	if (knote->kev.fflags & NOTE_LOWAT)
		lowest = knote->kev.data;

	if (revents & POLLIN)
		out->data = num_readable(out->ident);
	if (is_at_end(source, revents, POLLRDHUP | POLLHUP | POLLERR, out))
		return true;

	/* POLLIN with nothing: a datagram without bytes, or an error. */
	return revents & ~POLLIN || out->data >= lowest || out->data == 0;
}

static bool is_vnode(const struct source *source)
{
	return S_ISREG(source->mode) || S_ISDIR(source->mode);
}

/* A file is readable but at its end, where poll() says that it is. */
static bool vnode_is_readable(const struct knote *knote, struct kevent *out)
{
	struct stat st;

	if (fstat((int)out->ident, &st) < 0)
		return false;
	out->data =
		(intptr_t)(st.st_size - lseek((int)out->ident, 0, SEEK_CUR));

	return out->data != 0 || knote->kev.fflags & NOTE_FILE_POLL;
}

static intptr_t room_to_write(const struct source *source, uintptr_t fd)
{
	int used = 0;

	if (S_ISSOCK(source->mode)) {
		ioctl((int)fd, SIOCOUTQ, &used);
		return option(fd, SO_SNDBUF) - used;
	}
	if (S_ISFIFO(source->mode)) {
		ioctl((int)fd, FIONREAD, &used);
		return fcntl((int)fd, F_GETPIPE_SZ) - used;
	}

	return 1;
}

static bool is_writable(const struct source *source, const struct knote *knote,
			struct kevent *out)
{
	short revents = poll_now(out->ident, POLLOUT);

	if (revents == 0)
		return false;

	out->data = room_to_write(source, out->ident);
	if (is_at_end(source, revents, POLLHUP | POLLERR, out))
		return true;

	return !(knote->kev.fflags & NOTE_LOWAT) ||
	       out->data >= knote->kev.data;
}

static bool user_is_ready(const struct knote *knote, struct kevent *out)
{
	out->fflags = knote->user_fflags;
	out->data = knote->kev.data;

	return knote->triggered;
}

static bool timer_is_due(const struct knote *knote, struct kevent *out)
{
	uint64_t now_ns = shim_now_ns();

	if (now_ns < knote->due_ns)
		return false;

	out->fflags = knote->kev.fflags;
	out->data = 1;
	if (knote->period_ns > 0)
		out->data +=
			(intptr_t)((now_ns - knote->due_ns) / knote->period_ns);

	return true;
}

bool shim_is_ready(const struct source *source, const struct knote *knote,
		   struct kevent *out)
{
	*out = (struct kevent){
		.ident = knote->kev.ident,
		.filter = knote->kev.filter,
		.flags = knote->kev.flags,
		.udata = knote->kev.udata,
	};

	switch (knote->kev.filter) {
	case EVFILT_READ:
		return is_vnode(source) ? vnode_is_readable(knote, out)
					: is_readable(source, knote, out);
	case EVFILT_WRITE:
		return is_writable(source, knote, out);
	case EVFILT_USER:
		return user_is_ready(knote, out);
	default:
		return timer_is_due(knote, out);
	}
}

int shim_may_attach(const struct source *source, const struct kevent *change)
{
	if (change->filter == EVFILT_READ)
		return 0;
	if (is_vnode(source))
		return EINVAL;
	/* A pipe that nobody reads: no manual page says so, but systems do. */
	if (S_ISFIFO(source->mode) && poll_now(change->ident, 0) & POLLERR)
		return EPIPE;

	return 0;
}

void shim_touch_user(struct knote *knote, const struct kevent *change)
{
	unsigned int flags = change->fflags & NOTE_FFLAGSMASK;

	switch (change->fflags & NOTE_FFCTRLMASK) {
	case NOTE_FFAND:
		knote->user_fflags &= flags;
		break;
	case NOTE_FFOR:
		knote->user_fflags |= flags;
		break;
	case NOTE_FFCOPY:
		knote->user_fflags = flags;
		break;
	default:
		break;
	}

	knote->kev.data = change->data;
	if (change->fflags & NOTE_TRIGGER)
		knote->triggered = true;
}

/* 0: a unit that there is not. */
static uint64_t unit_ns(unsigned int fflags)
{
	switch (fflags) {
	case NOTE_SECONDS:
		return 1000000000;
	case 0:
	case NOTE_MSECONDS:
		return 1000000;
	case NOTE_USECONDS:
		return 1000;
	case NOTE_NSECONDS:
		return 1;
	default:
		return 0;
	}
}

int shim_start_timer(struct knote *knote, const struct kevent *change)
{
	uint64_t unit = unit_ns(change->fflags);
	uint64_t time_ns;

	if (unit == 0 || change->data < 0)
		return EINVAL;

	time_ns = change->data > 0 ? (uint64_t)change->data * unit : 1;
	knote->kev.flags |= EV_CLEAR;
	knote->period_ns = knote->kev.flags & EV_ONESHOT ? 0 : time_ns;
	knote->due_ns = shim_now_ns() + time_ns;

	return 0;
}

void shim_returned(struct knote *knote, const struct kevent *out)
{
	if (knote->kev.filter == EVFILT_TIMER)
		knote->due_ns += (uint64_t)out->data * knote->period_ns;
	if (knote->kev.flags & EV_CLEAR) {
		knote->triggered = false;
		knote->user_fflags = 0;
	}
}
