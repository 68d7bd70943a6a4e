/* SPDX-License-Identifier: MIT */
/*
 * poll.c - POSIX poll(), which needs no descriptor of its own
 *
 * And ppoll(), which is the same with timeouts in nanoseconds.
 *
 * Two arrays side by side: what poll() reads, and whose entry that is. An
 * object's index_ is its place in both; the waker's owner is NULL. An entry
 * with a negative descriptor is passed over by the kernel.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "../backend.h"
#include "../loop.h"

struct poll_state {
	bool milliseconds; /* the kernel has no ppoll() */
	int num;
	int capacity;
	struct pollfd *entries;
	struct iv_fd **owners;
};

static int poll_open(struct iv__loop *loop)
{
	loop->backend_state = calloc(1, sizeof(struct poll_state));

	return loop->backend_state != NULL ? 0 : -ENOMEM;
}

static void poll_close(struct iv__loop *loop)
{
	struct poll_state *st = loop->backend_state;

	free(st->entries);
	free(st->owners);
	free(st);
}

static int reserve(struct poll_state *st)
{
	int capacity = st->capacity > 0 ? 2 * st->capacity : 16;
	struct pollfd *entries;
	struct iv_fd **owners;

	if (st->num < st->capacity)
		return 0;

	entries = realloc(st->entries, (size_t)capacity * sizeof(*entries));
	if (entries == NULL)
		return -ENOMEM;
	st->entries = entries;

	owners = realloc(st->owners, (size_t)capacity * sizeof(*owners));
	if (owners == NULL)
		return -ENOMEM;
	st->owners = owners;
	st->capacity = capacity;

	return 0;
}

static int append(struct poll_state *st, struct iv_fd *owner, int fd)
{
	int ret;

	ret = reserve(st);
	if (ret < 0)
		return ret;

	st->entries[st->num] = (struct pollfd){ .fd = fd, .events = POLLIN };
	st->owners[st->num] = owner;

	return st->num++;
}

static int poll_change(struct iv__loop *loop, struct iv_fd *fd)
{
	struct poll_state *st = loop->backend_state;
	struct pollfd *entry = &st->entries[fd->index_];

	/* Without interest not even a hang-up must be reported. */
	entry->fd = fd->wanted_ != 0 ? fd->fd : -1;
	entry->events = iv__poll_of_bands(fd->wanted_);

	return 0;
}

static int poll_add(struct iv__loop *loop, struct iv_fd *fd)
{
	int ret;

	ret = append(loop->backend_state, fd, fd->fd);
	if (ret < 0)
		return ret;

	fd->index_ = ret;

	return poll_change(loop, fd);
}

/* The last entry takes the place of the one that goes. */
static void poll_remove(struct iv__loop *loop, struct iv_fd *fd)
{
	struct poll_state *st = loop->backend_state;
	int gap = fd->index_;
	int last = --st->num;

	if (gap != last) {
		st->entries[gap] = st->entries[last];
		st->owners[gap] = st->owners[last];
		if (st->owners[gap] != NULL)
			st->owners[gap]->index_ = gap;
	}
	fd->index_ = -1;
}

static int poll_watch_waker(struct iv__loop *loop)
{
	struct poll_state *st = loop->backend_state;
	int i;

	/* In a forked child: in the old one's place. */
	for (i = 0; i < st->num; i++) {
		if (st->owners[i] == NULL) {
			st->entries[i].fd = loop->waker.rfd;
			return 0;
		}
	}

	i = append(st, NULL, loop->waker.rfd);

	return i < 0 ? i : 0;
}

/* Nothing is shared with the parent. */
static int poll_reopen(struct iv__loop *loop)
{
	(void)loop;

	return 0;
}

static void
collect(struct iv__loop *loop, struct pollfd *entry, struct iv_fd *owner)
{
	if (owner == NULL) {
		iv__waker_collect(&loop->waker);
		return;
	}

	/* Closed behind our back: nothing comes of it any more. */
	if (entry->revents & POLLNVAL) {
		entry->fd = -1;
		return;
	}

	iv__fd_ready(loop, owner,
		     iv__bands_of_poll((unsigned int)entry->revents));
}

/* @left is the answer: the number of entries that have something. */
static void collect_all(struct iv__loop *loop, int left)
{
	struct poll_state *st = loop->backend_state;
	int i;

	if (left < 0 && (errno == EAGAIN || errno == ENOMEM))
		poll(NULL, 0, 1); /* the kernel is short: do not press it */
	else if (left < 0 && errno != EINTR)
		iv_fatal("poll: %s", strerror(errno));

	for (i = 0; left > 0; i++) {
		if (st->entries[i].revents != 0) {
			collect(loop, &st->entries[i], st->owners[i]);
			left--;
		}
	}
}

static int wait_milliseconds(struct poll_state *st, int64_t timeout_ns)
{
	return poll(st->entries, (nfds_t)st->num, iv__clock_to_ms(timeout_ns));
}

static void poll_wait(struct iv__loop *loop, int64_t timeout_ns)
{
	collect_all(loop, wait_milliseconds(loop->backend_state, timeout_ns));
}

const struct iv__backend iv__backend_poll = {
	.name = "poll",
	.open = poll_open,
	.close = poll_close,
	.reopen = poll_reopen,
	.add = poll_add,
	.change = poll_change,
	.remove = poll_remove,
	.watch_waker = poll_watch_waker,
	.wait = poll_wait,
};

#ifdef IV__HAVE_PPOLL
static int wait_nanoseconds(struct poll_state *st, int64_t timeout_ns)
{
	struct timespec timeout = iv__timespec_of_ns((uint64_t)timeout_ns);
	int ret;

	ret = ppoll(st->entries, (nfds_t)st->num,
		    timeout_ns >= 0 ? &timeout : NULL, NULL);
	if (ret >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL))
		return ret;

	/* EPERM: a filter of system calls that does not know this one. */
	if (errno != EINVAL)
		st->milliseconds = true;

	return wait_milliseconds(st, timeout_ns);
}

static void ppoll_wait(struct iv__loop *loop, int64_t timeout_ns)
{
	struct poll_state *st = loop->backend_state;

	if (st->milliseconds)
		collect_all(loop, wait_milliseconds(st, timeout_ns));
	else
		collect_all(loop, wait_nanoseconds(st, timeout_ns));
}

const struct iv__backend iv__backend_ppoll = {
	.name = "ppoll",
	.open = poll_open,
	.close = poll_close,
	.reopen = poll_reopen,
	.add = poll_add,
	.change = poll_change,
	.remove = poll_remove,
	.watch_waker = poll_watch_waker,
	.wait = ppoll_wait,
};
#endif
