/* SPDX-License-Identifier: MIT */
/*
 * kqueue_waker.c - ending a wait for a kqueue from outside
 */
#include <errno.h>
#include "kqueue_state.h"

/* Add the waker's filter; 0 or -errno. */
static int add_waker(struct kqueue_state *st, int fd, int filter)
{
	struct outcome own = { WAKER, 0, 0, false };

	iv__kqueue_make_room(st);
	iv__kqueue_gather(st, fd, filter, EV_ADD | EV_CLEAR, WAKER);
	iv__kqueue_apply(st, &own);

	return -own.error;
}

int iv__kqueue_watch_waker(struct iv__loop *loop)
{
	return add_waker(loop->backend_state, loop->waker.rfd, EVFILT_READ);
}

#ifdef EVFILT_USER

static void user_wake(int fd)
{
	int saved_errno = errno;
	struct kevent wake;

	EV_SET(&wake, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0,
	       (void *)(uintptr_t)WAKER);
	kevent(fd, &wake, 1, NULL, 0, NULL);
	errno = saved_errno;
}

/*
 * Waits report it; only the end of a loop asks for more. Others that are ready
 * are deleted as they come, so that the next call waits.
 */
static void user_collect(struct iv__waker *waker, bool block)
{
	uint64_t before = waker->arrived;
	struct kevent batch[16] = { { .flags = 0 } };
	int num_deletes = 0;
	int num;
	int i;

	while (block && waker->arrived == before) {
		num = kevent(waker->rfd, batch, num_deletes, batch, 16, NULL);
		num_deletes = 0;
		for (i = 0; i < num; i++) {
			if (batch[i].flags & EV_ERROR)
				continue;
			if (batch[i].filter == EVFILT_USER) {
				waker->arrived++;
				continue;
			}
			EV_SET(&batch[num_deletes], batch[i].ident,
			       batch[i].filter, EV_DELETE, 0, 0, NULL);
			num_deletes++;
		}
	}
}

/* It goes with the queue. */
static void user_close(struct iv__waker *waker)
{
	(void)waker;
}

static const struct iv__wake_way wake_by_user = {
	.wake = user_wake,
	.collect = user_collect,
	.close = user_close,
};

/* One wake at most is on its way, so an event need not be able to count. */
int iv__kqueue_open_waker(struct iv__loop *loop)
{
	struct kqueue_state *st = loop->backend_state;
	int ret;

	ret = add_waker(st, 0, EVFILT_USER);
	if (ret < 0)
		return ret;

	loop->waker = (struct iv__waker){
		.way = &wake_by_user,
		.rfd = st->kq,
		.wfd = st->kq,
	};

	return 0;
}

void iv__kqueue_collect_wake(struct iv__loop *loop, const struct kevent *ev)
{
	if (ev->filter == EVFILT_USER)
		loop->waker.arrived++;
	else
		iv__waker_collect(&loop->waker);
}

#else

void iv__kqueue_collect_wake(struct iv__loop *loop, const struct kevent *ev)
{
	(void)ev;
	iv__waker_collect(&loop->waker);
}

#endif
