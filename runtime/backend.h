/* SPDX-License-Identifier: MIT */
/*
 * backend.h - one way of waiting for the kernel
 *
 * A backend is backend/X.c, with X_*.c beside it where that is too much for a
 * file, and fills in the table below. The core owns what every backend would
 * repeat: which bands an object wants (fd->wanted_) and the kernel watches
 * (fd->watched_), the list of objects where these differ, and the list of
 * ready ones. All calls are made on the loop's thread.
 */
#ifndef IV__BACKEND_H
#define IV__BACKEND_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct iv_fd;
struct iv__loop;

/* Bands, as kept in wanted_, watched_ and fired_. */
enum {
	IV__BAND_IN = 1,
	IV__BAND_OUT = 2,
	IV__BAND_ERR = 4,
	IV__BAND_ALL = 7,
};

/*
 * What poll() and its relatives report and ask for, as bands. An error or a
 * hang-up makes every band ready: whichever handler there is finds it out.
 */
static inline unsigned int iv__bands_of_poll(unsigned int revents)
{
	if (revents & (POLLERR | POLLHUP))
		return IV__BAND_ALL;

	return (revents & POLLIN ? IV__BAND_IN : 0) |
	       (revents & POLLOUT ? IV__BAND_OUT : 0);
}

static inline short iv__poll_of_bands(unsigned int bands)
{
	return (short)((bands & IV__BAND_IN ? POLLIN : 0) |
		       (bands & IV__BAND_OUT ? POLLOUT : 0));
}

/* A time or a timeout, not negative, as most calls want it. */
static inline struct timespec iv__timespec_of_ns(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};
}

struct iv__backend {
	const char *name;

	/* Never chosen unless asked for by name, and not on valgrind. */
	bool on_request;

	/*
	 * A change costs a system call of its own: bands that are switched off
	 * may stay watched as long as they are not reported.
	 */
	bool lazy;

	/*
	 * Make loop->backend_state. 0 or -errno; any error has the core try
	 * the next method.
	 */
	int (*open)(struct iv__loop *loop);
	void (*close)(struct iv__loop *loop);

	/*
	 * In a forked child: leave the parent's set alone, make a new one with
	 * the same objects. The waker is opened and watched anew behind it.
	 * 0 or -errno.
	 */
	int (*reopen)(struct iv__loop *loop);

	/*
	 * Start to watch an object, with the bands in wanted_, which may be
	 * none: then only the errors are wanted that tell whether it can be
	 * watched at all. 0 or -errno (EPERM: never ready, cannot be polled).
	 */
	int (*add)(struct iv__loop *loop, struct iv_fd *fd);

	/* wanted_ differs from watched_ for an object added. 0 or -errno. */
	int (*change)(struct iv__loop *loop, struct iv_fd *fd);

	/* Stop watching an object added; its descriptor may be closed. */
	void (*remove)(struct iv__loop *loop, struct iv_fd *fd);

	/* Have loop->waker, a descriptor, end a wait. 0 or -errno. */
	int (*watch_waker)(struct iv__loop *loop);

	/*
	 * Open loop->waker by a way of the backend's own, which ends a wait
	 * without being watched. 0 or -errno; NULL: there is none.
	 */
	int (*open_waker)(struct iv__loop *loop);

	/*
	 * For a host: a descriptor that poll() finds readable when wait()
	 * would find something ready; what is left to tell the kernel is told.
	 * *@timeout_ns is -1, or becomes how long the host may wait for it; 0:
	 * something is ready. The same one each time, but in a forked child.
	 * Or -errno; NULL: there is none.
	 */
	int (*descriptor)(struct iv__loop *loop, int64_t *timeout_ns);

	/*
	 * Wait until something is ready, at most timeout_ns nanoseconds (0:
	 * only look; -1: for ever), and hand each ready object with its bands
	 * to iv__fd_ready(). May return early with nothing; errors that last
	 * are fatal. A positive timeout ends at iv__timer_queue_earliest() of
	 * loop->timers, which suits those that want a point of time.
	 */
	void (*wait)(struct iv__loop *loop, int64_t timeout_ns);
};

extern const struct iv__backend iv__backend_dev_poll;
extern const struct iv__backend iv__backend_epoll;
extern const struct iv__backend iv__backend_epoll_timerfd;
extern const struct iv__backend iv__backend_io_uring;
extern const struct iv__backend iv__backend_kqueue;
extern const struct iv__backend iv__backend_poll;
extern const struct iv__backend iv__backend_port;
extern const struct iv__backend iv__backend_port_timer;
extern const struct iv__backend iv__backend_ppoll;

/*
 * Choose a method and open it for a new loop. 0 or -errno; what the
 * environment asks for and cannot be had is fatal.
 */
int iv__backend_open(struct iv__loop *loop);

/* The name of the first method that was opened, or NULL. */
const char *iv__backend_first_name(void);

#endif
