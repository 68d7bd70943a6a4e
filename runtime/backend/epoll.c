/* SPDX-License-Identifier: MIT */
/*
 * epoll.c - Linux's epoll
 *
 * The kernel's entries live as long as the open file, not the descriptor: one
 * that was closed behind our back while a duplicate keeps the file open goes
 * on reporting, and cannot be deleted any more. So an entry carries not a
 * pointer but its descriptor number and a generation, looked up in a table by
 * number. A report that fits no object makes us build the set anew.
 *
 * An object that wants nothing keeps its entry, edge-triggered and without
 * bands: a hang-up, which the kernel always reports, then comes once and
 * cannot keep the loop awake.
 *
 * `epoll` hands its timeout to each wait. `epoll-timerfd` has a timer in the
 * set, armed for a point of time. What is due later than that leaves it alone:
 * the loop then wakes once too often, but timers that are put off again and
 * again cost no system call.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "../valgrind.h"
#include "epoll_host.h"
#include "epoll_state.h"

/* So many reports ahead. */
enum { AHEAD = 4 };

/* One meaning of bits, shared with poll(). */
static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT, "bits of poll()");
static_assert(EPOLLERR == POLLERR && EPOLLHUP == POLLHUP, "bits of poll()");

static int open_state(struct iv__loop *loop, bool with_timer)
{
	struct epoll_state *st;
	int ret;

	st = calloc(1, sizeof(*st));
	if (st == NULL)
		return -ENOMEM;

	st->host = -1;
	st->timerfd = -1;
	ret = iv__epoll_open_set(st);
	if (ret == 0 && with_timer)
		ret = iv__epoll_open_timer(st);
	if (ret < 0) {
		iv__epoll_close_own(st);
		free(st);
		return ret;
	}

	/* There epoll_pwait2() is missing, and grumbles on the terminal. */
	st->milliseconds = !with_timer && iv__on_valgrind();
	loop->backend_state = st;

	return 0;
}

static int epoll_open(struct iv__loop *loop)
{
	return open_state(loop, false);
}

static int timerfd_open(struct iv__loop *loop)
{
	return open_state(loop, true);
}

static void epoll_close(struct iv__loop *loop)
{
	struct epoll_state *st = loop->backend_state;

	iv__epoll_host_close(&st->host);
	iv__epoll_close_own(st);
	free(st->slots);
	free(st);
}

static int reserve(struct epoll_state *st, int fd)
{
	struct slot *slots;
	int num = st->num_slots;

	if (fd < num)
		return 0;

	num = num > fd / 2 ? 2 * num : fd + 16;
	slots = realloc(st->slots, (size_t)num * sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;

	memset(slots + st->num_slots, 0,
	       (size_t)(num - st->num_slots) * sizeof(*slots));
	st->slots = slots;
	st->num_slots = num;

	return 0;
}

int iv__epoll_control(struct epoll_state *st, int op, const struct iv_fd *fd)
{
	struct epoll_event ev;

	ev.events = (uint32_t)iv__poll_of_bands(fd->wanted_);
	if (fd->wanted_ == 0)
		ev.events = EPOLLET;
	ev.data.u64 = (uint64_t)st->slots[fd->fd].generation << 32 |
		      (uint32_t)fd->fd;

	return epoll_ctl(st->epfd, op, fd->fd, &ev) < 0 ? -errno : 0;
}

static int epoll_add(struct iv__loop *loop, struct iv_fd *fd)
{
	struct epoll_state *st = loop->backend_state;
	int ret;

	ret = reserve(st, fd->fd);
	if (ret < 0)
		return ret;
	if (st->slots[fd->fd].fd != NULL)
		return -EEXIST;

	st->slots[fd->fd].generation++;
	ret = iv__epoll_control(st, EPOLL_CTL_ADD, fd);
	if (ret == 0)
		st->slots[fd->fd].fd = fd;

	return ret;
}

static int epoll_change(struct iv__loop *loop, struct iv_fd *fd)
{
	struct epoll_state *st = loop->backend_state;
	int ret;

	ret = iv__epoll_control(st, EPOLL_CTL_MOD, fd);

	/* Closed and opened again behind our back: a new file. */
	if (ret == -ENOENT) {
		st->slots[fd->fd].generation++;
		ret = iv__epoll_control(st, EPOLL_CTL_ADD, fd);
	}

	return ret;
}

static void epoll_remove(struct iv__loop *loop, struct iv_fd *fd)
{
	struct epoll_state *st = loop->backend_state;
	struct epoll_event unused;

	/* Fails when the descriptor was closed: its entry may be left. */
	epoll_ctl(st->epfd, EPOLL_CTL_DEL, fd->fd, &unused);
	st->slots[fd->fd].fd = NULL;
}

static int epoll_descriptor(struct iv__loop *loop, int64_t *timeout_ns)
{
	struct epoll_state *st = loop->backend_state;

	(void)timeout_ns;

	return iv__epoll_host_open(&st->host, st->epfd);
}

static struct iv_fd *find(const struct epoll_state *st, uint64_t data)
{
	const struct slot *slot;
	uint32_t number = (uint32_t)data;

	if (number >= (uint32_t)st->num_slots)
		return NULL;

	slot = &st->slots[number];

	return slot->generation == data >> 32 ? slot->fd : NULL;
}

static void collect_own(struct iv__loop *loop, uint32_t number)
{
	struct epoll_state *st = loop->backend_state;

	if (number == WAKER)
		iv__waker_edge(&loop->waker);
	else
		st->armed_ns = 0;
}

static void collect(struct iv__loop *loop, const struct epoll_event *ev)
{
	struct epoll_state *st = loop->backend_state;
	struct iv_fd *fd;

	if ((uint32_t)ev->data.u64 >= TIMER) {
		collect_own(loop, (uint32_t)ev->data.u64);
		return;
	}

	fd = find(st, ev->data.u64);
	if (fd == NULL) {
		st->stale = true;
		return;
	}

	iv__fd_ready(loop, fd, iv__bands_of_poll(ev->events));
}

/*
 * Of thousands of objects those that are ready are rarely in the cache. Ask
 * for them some reports ahead: the slot first, then the object.
 */
static inline void prefetch(const struct epoll_state *st, int i, int num)
{
	uint32_t slot = (uint32_t)st->num_slots;
	uint32_t object = slot;

	if (i + 2 * AHEAD < num)
		slot = (uint32_t)st->batch[i + 2 * AHEAD].data.u64;
	if (i + AHEAD < num)
		object = (uint32_t)st->batch[i + AHEAD].data.u64;
	if (slot < (uint32_t)st->num_slots)
		__builtin_prefetch(&st->slots[slot]);
	if (object < (uint32_t)st->num_slots) {
		const char *fd = (const char *)st->slots[object].fd;

		__builtin_prefetch(fd, 1);
		__builtin_prefetch(fd + 64, 1);
	}
}

/* @num is the answer: how much of the batch there is. */
static void collect_all(struct iv__loop *loop, int num)
{
	struct epoll_state *st = loop->backend_state;
	int i;

	if (num < 0 && errno != EINTR)
		iv_fatal("epoll_wait: %s", strerror(errno));

	for (i = 0; i < num; i++) {
		prefetch(st, i, num);
		collect(loop, &st->batch[i]);
	}
	if (st->stale)
		iv__epoll_renew(loop);
}

static int wait_milliseconds(struct epoll_state *st, int64_t timeout_ns)
{
	return epoll_wait(st->epfd, st->batch, BATCH,
			  iv__clock_to_ms(timeout_ns));
}

/* EPERM: a filter of system calls that does not know this one. */
static bool is_missing(int error)
{
	return error == ENOSYS || error == EPERM;
}

#ifdef IV__HAVE_EPOLL_PWAIT2
static int wait_nanoseconds(struct epoll_state *st, int64_t timeout_ns)
{
	struct timespec timeout = iv__timespec_of_ns((uint64_t)timeout_ns);
	int ret;

	ret = epoll_pwait2(st->epfd, st->batch, BATCH, &timeout, NULL);
	if (ret >= 0 || errno == EINTR)
		return ret;

	st->milliseconds = is_missing(errno);

	return wait_milliseconds(st, timeout_ns);
}
#else
#define wait_nanoseconds wait_milliseconds
#endif

static void epoll_backend_wait(struct iv__loop *loop, int64_t timeout_ns)
{
	struct epoll_state *st = loop->backend_state;

	if (timeout_ns <= 0 || st->milliseconds)
		collect_all(loop, wait_milliseconds(st, timeout_ns));
	else
		collect_all(loop, wait_nanoseconds(st, timeout_ns));
}

const struct iv__backend iv__backend_epoll = {
	.name = "epoll",
	.lazy = true,
	.open = epoll_open,
	.close = epoll_close,
	.reopen = iv__epoll_reopen,
	.add = epoll_add,
	.change = epoll_change,
	.remove = epoll_remove,
	.watch_waker = iv__epoll_watch_waker,
	.descriptor = epoll_descriptor,
	.wait = epoll_backend_wait,
};

/* Will the timer go off in time? */
static bool arm(struct iv__loop *loop)
{
	struct epoll_state *st = loop->backend_state;
	struct itimerspec at = { { 0 }, { 0 } };
	uint64_t due_ns;

	if (!iv__timer_queue_earliest(&loop->timers, &due_ns))
		return false;
	if (st->armed_ns != 0 && st->armed_ns <= due_ns)
		return true;

	at.it_value = iv__timespec_of_ns(due_ns);
	if (timerfd_settime(st->timerfd, TFD_TIMER_ABSTIME, &at, NULL) < 0) {
		st->milliseconds = is_missing(errno);
		return false;
	}
	st->armed_ns = due_ns;

	return true;
}

static void timerfd_wait(struct iv__loop *loop, int64_t timeout_ns)
{
	struct epoll_state *st = loop->backend_state;

	if (timeout_ns > 0 && !st->milliseconds && arm(loop))
		timeout_ns = -1;
	collect_all(loop, wait_milliseconds(st, timeout_ns));
}

const struct iv__backend iv__backend_epoll_timerfd = {
	.name = "epoll-timerfd",
	.lazy = true,
	.open = timerfd_open,
	.close = epoll_close,
	.reopen = iv__epoll_reopen,
	.add = epoll_add,
	.change = epoll_change,
	.remove = epoll_remove,
	.watch_waker = iv__epoll_watch_waker,
	.descriptor = epoll_descriptor,
	.wait = timerfd_wait,
};
