/* SPDX-License-Identifier: MIT */
/*
 * kqueue_wait.c - waiting for a kqueue, and what its events say
 *
 * kqueue.c tells what the list of ours is for.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include "kqueue_state.h"

/* Longer timeouts are refused by some systems, and cut by others. */
#define MAX_TIMEOUT_NS ((int64_t)24 * 3600 * 1000000000)

static short errors_of(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = 0 };

	return poll(&pfd, 1, 0) > 0 ? pfd.revents : 0;
}

static unsigned int bands_of(const struct kevent *ev)
{
	if ((ev->flags & EV_EOF) &&
	    (ev->fflags != 0 ||
	     (errors_of((int)ev->ident) & (POLLERR | POLLHUP))))
		return IV__BAND_ALL;

	return ev->filter == EVFILT_READ ? IV__BAND_IN : IV__BAND_OUT;
}

static void collect_fd(struct iv__loop *loop, const struct kevent *ev)
{
	struct kqueue_state *st = loop->backend_state;
	struct iv_fd *fd = iv__kqueue_find(st, ev);
	unsigned int bands;

	if (fd == NULL)
		return;

	if (ev->flags & EV_ERROR) {
		iv__kqueue_add_to_ended(st, fd);
		if (!iv__kqueue_waits_for_end(fd->wanted_))
			iv__fd_ready(loop, fd, IV__BAND_ALL);
		return;
	}

	bands = bands_of(ev);
	if (iv__kqueue_waits_for_end(fd->wanted_)) {
		if (bands != IV__BAND_ALL)
			return;
		iv__kqueue_add_to_ended(st, fd);
	}
	iv__fd_ready(loop, fd, bands);
}

static void collect(struct iv__loop *loop, const struct kevent *ev)
{
	if ((uintptr_t)ev->udata != WAKER)
		collect_fd(loop, ev);
	else
		iv__kqueue_collect_wake(loop, ev);
}

/*
 * A filter that was refused is tried again when nothing is wrong any more. What
 * was closed behind our back is reported once.
 */
static void report_ended(struct iv__loop *loop)
{
	struct kqueue_state *st = loop->backend_state;
	int i;

	for (i = st->num_ended - 1; i >= 0; i--) {
		struct iv_fd *fd = st->ended[i];
		short errors = errors_of(fd->fd);

		if (errors != 0)
			iv__fd_ready(loop, fd, IV__BAND_ALL);
		if (errors & (POLLERR | POLLHUP))
			continue;

		iv__kqueue_take_off_ended(st, fd);
		if (errors == 0 && !iv__kqueue_waits_for_end(fd->wanted_))
			iv__kqueue_set_filters(st, fd, 0, fd->wanted_);
	}
}

static const struct timespec *
timespec_of(int64_t timeout_ns, struct timespec *timeout)
{
	if (timeout_ns < 0)
		return NULL;

	if (timeout_ns > MAX_TIMEOUT_NS)
		timeout_ns = MAX_TIMEOUT_NS;
	*timeout = iv__timespec_of_ns((uint64_t)timeout_ns);

	return timeout;
}

/* One call. The errors among what it reports, and whether there was more. */
static int look(struct iv__loop *loop, int64_t timeout_ns, bool *ready)
{
	struct kqueue_state *st = loop->backend_state;
	struct timespec timeout;
	int errors = 0;
	int num;
	int i;

	num = kevent(st->kq, st->changes, st->num_changes, st->batch, BATCH,
		     timespec_of(timeout_ns, &timeout));
	if (num < 0 && errno != EINTR)
		iv_fatal("kevent: %s", strerror(errno));

	/* A signal comes behind them. */
	st->num_changes = 0;
	for (i = 0; i < num; i++) {
		if (st->batch[i].flags & EV_ERROR)
			errors++;
		collect(loop, &st->batch[i]);
	}
	*ready = num > errors;

	return errors;
}

/* A call that has errors to tell tells nothing else, and does not wait. */
void iv__kqueue_wait(struct iv__loop *loop, int64_t timeout_ns)
{
	struct kqueue_state *st = loop->backend_state;
	bool ready;

	if (st->num_ended > 0)
		timeout_ns = 0;
	if (look(loop, timeout_ns, &ready) > 0) {
		if (ready || st->num_ended > 0)
			timeout_ns = 0;
		look(loop, timeout_ns, &ready);
	}
	report_ended(loop);
}

/*
 * Readable while it has events, and now and then when what had reported is no
 * longer ready. What is on our list the kernel does not know.
 */
int iv__kqueue_descriptor(struct iv__loop *loop, int64_t *timeout_ns)
{
	struct kqueue_state *st = loop->backend_state;

	if (st->num_changes > 0)
		iv__kqueue_apply(st, NULL);
	if (st->num_ended > 0)
		*timeout_ns = 0;

	return st->kq;
}
