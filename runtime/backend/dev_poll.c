/* SPDX-License-Identifier: MIT */
/*
 * dev_poll.c - Solaris's /dev/poll
 *
 * The kernel keeps a set of pollfd by descriptor number. Writing to it adds
 * bands; to take some away, the number is removed and added again. Numbers
 * whose entry differs from what we want are noted, once each, and one write
 * before the wait puts all of them right, in the order remove, add.
 *
 * A number that was closed answers POLLNVAL; opened again, it is the new file.
 * So nothing in a set is ever of a file that went, and nothing that the wait
 * brings can be stale. An object that wants nothing has no entry: a hang-up
 * cannot keep the loop awake.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/devpoll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "../backend.h"
#include "../loop.h"

struct slot {
	struct iv_fd *fd; /* NULL: nobody's, or the waker's */
	short events;	  /* of the kernel's entry */
	bool present;	  /* there is one */
	bool outdated;	  /* it was for another object */
	bool noted;	  /* among the changes */
	bool dead;	  /* closed behind our back: nothing is wanted */
};

struct dev_poll_state {
	int set;
	int waker; /* a number, or -1 */
	int num_present;
	int num_changes;

	/* Of num_slots each, but twice as many entries. */
	int num_slots;
	struct slot *slots; /* by descriptor number */
	int *changes;	    /* numbers whose entry may have to change */
	struct pollfd *entries;
};

static int open_set(void)
{
	int fd = open("/dev/poll", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Have @array hold @num of @size bytes. 0 or -ENOMEM. */
static int grow(void *array, int num, size_t size)
{
	void **old = array;
	void *grown;

	grown = realloc(*old, (size_t)num * size);
	if (grown == NULL)
		return -ENOMEM;
	*old = grown;

	return 0;
}

/* Room for number @fd wherever it may have to be: waiting cannot fail. */
static int reserve(struct dev_poll_state *st, int fd)
{
	int num = st->num_slots;

	if (fd < num)
		return 0;

	num = num > fd / 2 ? 2 * num : fd + 16;
	if (grow(&st->slots, num, sizeof(*st->slots)) < 0 ||
	    grow(&st->changes, num, sizeof(*st->changes)) < 0 ||
	    grow(&st->entries, num, 2 * sizeof(*st->entries)) < 0)
		return -ENOMEM;

	memset(st->slots + st->num_slots, 0,
	       (size_t)(num - st->num_slots) * sizeof(*st->slots));
	st->num_slots = num;

	return 0;
}

static void free_state(struct dev_poll_state *st)
{
	free(st->slots);
	free(st->changes);
	free(st->entries);
	free(st);
}

static int dev_poll_open(struct iv__loop *loop)
{
	struct dev_poll_state *st;
	int ret;

	st = calloc(1, sizeof(*st));
	if (st == NULL)
		return -ENOMEM;

	st->waker = -1;
	ret = reserve(st, 0);
	if (ret == 0)
		ret = open_set();
	if (ret < 0) {
		free_state(st);
		return ret;
	}

	st->set = ret;
	loop->backend_state = st;

	return 0;
}

static void dev_poll_close(struct iv__loop *loop)
{
	struct dev_poll_state *st = loop->backend_state;

	close(st->set);
	free_state(st);
}

/* Have the next wait look whether its entry is right. */
static void note(struct dev_poll_state *st, int number)
{
	struct slot *slot = &st->slots[number];

	if (slot->noted)
		return;
	slot->noted = true;
	st->changes[st->num_changes++] = number;
}

/* The system writes any number: a bad one would only be told by the wait. */
static int probe(int fd)
{
	struct pollfd pfd = { .fd = fd };

	if (fd < 0)
		return -EBADF;
	if (poll(&pfd, 1, 0) < 0)
		return errno == EINTR ? 0 : -errno;

	return pfd.revents & POLLNVAL ? -EBADF : 0;
}

static int dev_poll_add(struct iv__loop *loop, struct iv_fd *fd)
{
	struct dev_poll_state *st = loop->backend_state;
	int ret;

	ret = probe(fd->fd);
	if (ret == 0)
		ret = reserve(st, fd->fd);
	if (ret < 0)
		return ret;
	if (st->slots[fd->fd].fd != NULL)
		return -EEXIST;

	st->slots[fd->fd].fd = fd;
	st->slots[fd->fd].dead = false;
	note(st, fd->fd);

	return 0;
}

static int dev_poll_change(struct iv__loop *loop, struct iv_fd *fd)
{
	struct dev_poll_state *st = loop->backend_state;

	st->slots[fd->fd].dead = false;
	note(st, fd->fd);

	return 0;
}

static void dev_poll_remove(struct iv__loop *loop, struct iv_fd *fd)
{
	struct dev_poll_state *st = loop->backend_state;
	struct slot *slot = &st->slots[fd->fd];

	slot->fd = NULL;
	slot->outdated = true;
	note(st, fd->fd);
}

static int dev_poll_watch_waker(struct iv__loop *loop)
{
	struct dev_poll_state *st = loop->backend_state;
	int ret;

	ret = reserve(st, loop->waker.rfd);
	if (ret < 0)
		return ret;

	st->waker = loop->waker.rfd;
	note(st, st->waker);

	return 0;
}

/* A child must not touch the parent's set, not even to look. */
static int dev_poll_reopen(struct iv__loop *loop)
{
	struct dev_poll_state *st = loop->backend_state;
	int ret;
	int i;

	close(st->set);
	ret = open_set();
	st->set = ret;
	if (ret < 0)
		return ret;

	st->waker = -1;
	st->num_present = 0;
	for (i = 0; i < st->num_slots; i++) {
		st->slots[i].present = false;
		if (st->slots[i].fd != NULL)
			note(st, i);
	}

	return 0;
}

static bool is_wanted(const struct dev_poll_state *st, int number)
{
	const struct slot *slot = &st->slots[number];

	if (slot->fd == NULL)
		return number == st->waker;

	return slot->fd->wanted_ != 0 && !slot->dead;
}

static short events_wanted(const struct slot *slot)
{
	return slot->fd != NULL ? iv__poll_of_bands(slot->fd->wanted_) : POLLIN;
}

/* Put at @entry what makes the entry of @number right: up to two. */
static struct pollfd *
amend(struct dev_poll_state *st, int number, struct pollfd *entry)
{
	struct slot *slot = &st->slots[number];
	bool wanted = is_wanted(st, number);
	short events = events_wanted(slot);

	if (slot->present &&
	    (!wanted || slot->outdated || (slot->events & ~events) != 0)) {
		*entry++ = (struct pollfd){
			.fd = number,
			.events = POLLREMOVE,
		};
		slot->present = false;
		st->num_present--;
	}

	if (wanted && (!slot->present || slot->events != events)) {
		*entry++ = (struct pollfd){ .fd = number, .events = events };
		st->num_present += !slot->present;
		slot->present = true;
		slot->events = events;
	}
	slot->outdated = false;
	slot->noted = false;

	return entry;
}

/* One write, but for systems that take fewer entries at a time. */
static void write_entries(const struct dev_poll_state *st, size_t num)
{
	const struct pollfd *entry = st->entries;
	size_t most = num;
	ssize_t ret;

	while (num > 0) {
		size_t now = num < most ? num : most;

		ret = write(st->set, entry, now * sizeof(*entry));
		if (ret < 0 && errno == EINVAL && most > 1) {
			most /= 2;
		} else if (ret < 0 && errno != EINTR) {
			iv_fatal("/dev/poll: write: %s", strerror(errno));
		} else if (ret > 0) {
			entry += (size_t)ret / sizeof(*entry);
			num -= (size_t)ret / sizeof(*entry);
		}
	}
}

static void flush(struct dev_poll_state *st)
{
	struct pollfd *end = st->entries;
	int i;

	for (i = 0; i < st->num_changes; i++)
		end = amend(st, st->changes[i], end);
	st->num_changes = 0;
	write_entries(st, (size_t)(end - st->entries));
}

static void collect(struct iv__loop *loop, const struct pollfd *entry)
{
	struct dev_poll_state *st = loop->backend_state;
	struct slot *slot = &st->slots[entry->fd];

	if (slot->fd == NULL) {
		iv__waker_collect(&loop->waker);
	} else if (entry->revents & POLLNVAL) {
		slot->dead = true;
		note(st, entry->fd);
	} else {
		iv__fd_ready(loop, slot->fd,
			     iv__bands_of_poll((unsigned short)entry->revents));
	}
}

/* Room for all that may be ready: none has to wait for others to be served. */
static void dev_poll_wait(struct iv__loop *loop, int64_t timeout_ns)
{
	struct dev_poll_state *st = loop->backend_state;
	struct dvpoll request = { .dp_fds = st->entries };
	int num;
	int i;

	flush(st);

	request.dp_nfds = st->num_present > 0 ? st->num_present : 1;
	request.dp_timeout = iv__clock_to_ms(timeout_ns);
	num = ioctl(st->set, DP_POLL, &request);
	if (num < 0 && errno != EINTR)
		iv_fatal("/dev/poll: DP_POLL: %s", strerror(errno));

	for (i = 0; i < num; i++)
		collect(loop, &st->entries[i]);
}

const struct iv__backend iv__backend_dev_poll = {
	.name = "dev_poll",
	.open = dev_poll_open,
	.close = dev_poll_close,
	.reopen = dev_poll_reopen,
	.add = dev_poll_add,
	.change = dev_poll_change,
	.remove = dev_poll_remove,
	.watch_waker = dev_poll_watch_waker,
	.wait = dev_poll_wait,
};
