/* SPDX-License-Identifier: MIT */
/*
 * kqueue.c - the BSDs' kqueue
 *
 * Changes of interest are gathered and passed with the next wait. Only to
 * start watching is a call of its own, for its errors are wanted at once.
 *
 * A band is a filter that reports as long as it is ready. There is none for
 * errors alone: who wants nothing else has both filters, EV_CLEAR, which then
 * come once for each change and are passed over, unless it is the end. EV_EOF
 * may be half a connection only; poll() knows.
 *
 * What kqueue will not repeat, the end found that way and a filter that it
 * refuses (EPIPE: nobody reads the pipe), goes on a list of ours, whose
 * objects are ready in each round until it is over.
 *
 * A change carries its descriptor's number and, as udata, a generation, by
 * which a report finds its object, or finds that it is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/event.h>
#include <time.h>
#include <unistd.h>
#include "../backend.h"
#include "../loop.h"

enum { BATCH = 256 };

/* The most changes that one object makes at once. */
enum { MAX_CHANGES = 4 };

/* Longer timeouts are refused by some systems, and cut by others. */
#define MAX_TIMEOUT_NS ((int64_t)24 * 3600 * 1000000000)

/* udata: whose it is, or a generation. */
enum { NOBODY, WAKER, FIRST_GENERATION };

/* Files are ready at their end too, where this can be said. */
#ifdef NOTE_FILE_POLL
enum { READ_FFLAGS = NOTE_FILE_POLL };
#else
enum { READ_FFLAGS = 0 };
#endif

struct slot {
	struct iv_fd *fd; /* NULL: not watched */
	uint32_t generation;
};

struct kqueue_state {
	int kq;
	int num_changes;
	int num_slots;
	struct slot *slots; /* by descriptor number */
	int num_ended;
	struct iv_fd **ended; /* room for all; an object's index_ */
	struct kevent changes[BATCH];
	struct kevent batch[BATCH]; /* room for an error of each change */
};

/* What became of changes that were passed by a call of their own. */
struct outcome {
	uint32_t udata; /* theirs */
	int num_errors;
	int error;
	bool ended; /* refused, since there is nobody at the other end */
};

static int open_queue(struct kqueue_state *st)
{
	st->kq = kqueue();
	if (st->kq < 0)
		return -errno;
	fcntl(st->kq, F_SETFD, FD_CLOEXEC);

	return 0;
}

static int kqueue_open(struct iv__loop *loop)
{
	struct kqueue_state *st;
	int ret;

	st = calloc(1, sizeof(*st));
	if (st == NULL)
		return -ENOMEM;

	ret = open_queue(st);
	if (ret < 0) {
		free(st);
		return ret;
	}
	loop->backend_state = st;

	return 0;
}

static void kqueue_close(struct iv__loop *loop)
{
	struct kqueue_state *st = loop->backend_state;

	/* A child has no such descriptor, or it is somebody else's by now. */
	if (!loop->forked)
		close(st->kq);
	free(st->slots);
	free(st->ended);
	free(st);
}

static int reserve(struct kqueue_state *st, int fd)
{
	int num = fd + fd / 2 + 16;
	struct slot *slots;
	struct iv_fd **ended;

	if (fd < st->num_slots)
		return 0;

	ended = realloc(st->ended, (size_t)num * sizeof(struct iv_fd *));
	if (ended == NULL)
		return -ENOMEM;
	st->ended = ended;

	slots = realloc(st->slots, (size_t)num * sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	memset(slots + st->num_slots, 0,
	       (size_t)(num - st->num_slots) * sizeof(*slots));
	st->slots = slots;
	st->num_slots = num;

	return 0;
}

/* The object that an event is about, or NULL. */
static struct iv_fd *
find(const struct kqueue_state *st, const struct kevent *ev)
{
	const struct slot *slot;

	if (ev->ident >= (uintptr_t)st->num_slots)
		return NULL;

	slot = &st->slots[ev->ident];

	return slot->generation == (uintptr_t)ev->udata ? slot->fd : NULL;
}

static void add_to_ended(struct kqueue_state *st, struct iv_fd *fd)
{
	if (fd->index_ >= 0)
		return;

	fd->index_ = st->num_ended;
	st->ended[st->num_ended++] = fd;
}

/* The last one takes its place. */
static void take_off_ended(struct kqueue_state *st, struct iv_fd *fd)
{
	if (fd->index_ < 0)
		return;

	st->ended[fd->index_] = st->ended[--st->num_ended];
	st->ended[fd->index_]->index_ = fd->index_;
	fd->index_ = -1;
}

/* Has it nobody at the other end? For some systems a pipe is bad then. */
static bool is_end(const struct kevent *ev)
{
	return ev->data == EPIPE ||
	       (ev->data == EBADF && fcntl((int)ev->ident, F_GETFD) >= 0);
}

static void
judge(struct kqueue_state *st, const struct kevent *ev, struct outcome *own)
{
	struct iv_fd *fd;

	if (own != NULL && (uintptr_t)ev->udata == own->udata) {
		if (is_end(ev)) {
			own->ended = true;
		} else {
			own->num_errors++;
			own->error = (int)ev->data;
		}
		return;
	}

	fd = find(st, ev);
	if (fd != NULL)
		add_to_ended(st, fd);
}

/* Pass what was gathered now. Receipts keep what is ready where it is. */
static void apply(struct kqueue_state *st, struct outcome *own)
{
	const struct timespec no_time = { 0, 0 };
	int num = st->num_changes;
	int i;

	for (i = 0; i < num; i++)
		st->changes[i].flags |= EV_RECEIPT;
	do {
		num = kevent(st->kq, st->changes, st->num_changes, st->batch,
			     BATCH, &no_time);
	} while (num < 0 && errno == EINTR);
	if (num < 0)
		iv_fatal("kevent: %s", strerror(errno));

	st->num_changes = 0;
	for (i = 0; i < num; i++) {
		if ((st->batch[i].flags & EV_ERROR) && st->batch[i].data != 0)
			judge(st, &st->batch[i], own);
	}
}

/* Before up to MAX_CHANGES times gather(). */
static void make_room(struct kqueue_state *st)
{
	if (st->num_changes > BATCH - MAX_CHANGES)
		apply(st, NULL);
}

static void gather(struct kqueue_state *st, int fd, int filter,
		   unsigned int flags, uint32_t udata)
{
	unsigned int fflags = filter == EVFILT_READ ? READ_FFLAGS : 0;

	EV_SET(&st->changes[st->num_changes], (uintptr_t)fd, filter, flags,
	       fflags, 0, (void *)(uintptr_t)udata);
	st->num_changes++;
}

/* All that is wanted is to hear of the end. */
static bool waits_for_end(unsigned int bands)
{
	return bands == IV__BAND_ERR;
}

/* How @filter is added for these bands; 0: not at all. */
static unsigned int how(unsigned int bands, int filter)
{
	unsigned int band = filter == EVFILT_READ ? IV__BAND_IN : IV__BAND_OUT;

	if (waits_for_end(bands))
		return EV_ADD | EV_CLEAR;

	return bands & band ? EV_ADD : 0;
}

static void set_filter(struct kqueue_state *st, const struct iv_fd *fd,
		       int filter, unsigned int from, unsigned int to)
{
	unsigned int before = how(from, filter);
	unsigned int after = how(to, filter);

	if (before == after)
		return;

	/* It may have vanished: that is nobody's error. */
	if (before != 0)
		gather(st, fd->fd, filter, EV_DELETE, NOBODY);
	if (after != 0)
		gather(st, fd->fd, filter, after, st->slots[fd->fd].generation);
}

/* Gather what leads from bands to bands. */
static void set_filters(struct kqueue_state *st, const struct iv_fd *fd,
			unsigned int from, unsigned int to)
{
	make_room(st);
	set_filter(st, fd, EVFILT_READ, from, to);
	set_filter(st, fd, EVFILT_WRITE, from, to);
}

/* Gather what shows whether there is a filter for it. */
static void try_filter(struct kqueue_state *st, int fd, int filter)
{
	gather(st, fd, filter, EV_ADD | EV_DISABLE, st->slots[fd].generation);
	gather(st, fd, filter, EV_DELETE, NOBODY);
}

static uint32_t next_generation(uint32_t generation)
{
	generation++;

	return generation < FIRST_GENERATION ? FIRST_GENERATION : generation;
}

static int kqueue_add(struct iv__loop *loop, struct iv_fd *fd)
{
	struct kqueue_state *st = loop->backend_state;
	struct outcome own = { 0, 0, 0, false };
	struct slot *slot;
	int ret;

	ret = reserve(st, fd->fd);
	if (ret < 0)
		return ret;
	slot = &st->slots[fd->fd];
	if (slot->fd != NULL)
		return -EEXIST;

	slot->generation = next_generation(slot->generation);
	own.udata = slot->generation;
	set_filters(st, fd, 0, fd->wanted_);
	if (fd->wanted_ == 0) {
		try_filter(st, fd->fd, EVFILT_READ);
		try_filter(st, fd->fd, EVFILT_WRITE);
	}
	apply(st, &own);

	/* A band needs its filter; without one either of them will do. */
	if (own.num_errors > !(fd->wanted_ & (IV__BAND_IN | IV__BAND_OUT))) {
		set_filters(st, fd, fd->wanted_, 0);
		return -own.error;
	}
	slot->fd = fd;
	fd->index_ = -1;
	if (own.ended && fd->wanted_ != 0)
		add_to_ended(st, fd);

	return 0;
}

static int kqueue_change(struct iv__loop *loop, struct iv_fd *fd)
{
	struct kqueue_state *st = loop->backend_state;

	take_off_ended(st, fd);
	set_filters(st, fd, fd->watched_, fd->wanted_);

	return 0;
}

static void kqueue_remove(struct iv__loop *loop, struct iv_fd *fd)
{
	struct kqueue_state *st = loop->backend_state;

	take_off_ended(st, fd);
	st->slots[fd->fd].fd = NULL;
	set_filters(st, fd, fd->watched_, 0);
}

/* A new queue with all objects that are known. */
static int kqueue_reopen(struct iv__loop *loop)
{
	struct kqueue_state *st = loop->backend_state;
	int ret;
	int i;

	ret = open_queue(st);
	if (ret < 0)
		return ret;

	st->num_changes = 0;
	for (i = 0; i < st->num_slots; i++) {
		struct iv_fd *fd = st->slots[i].fd;

		if (fd == NULL)
			continue;
		set_filters(st, fd, 0, fd->wanted_);
		fd->watched_ = fd->wanted_;
	}

	return 0;
}

/* Add the waker's filter; 0 or -errno. */
static int add_waker(struct kqueue_state *st, int fd, int filter)
{
	struct outcome own = { WAKER, 0, 0, false };

	make_room(st);
	gather(st, fd, filter, EV_ADD | EV_CLEAR, WAKER);
	apply(st, &own);

	return -own.error;
}

static int kqueue_watch_waker(struct iv__loop *loop)
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
static int kqueue_open_waker(struct iv__loop *loop)
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

static bool is_user_wake(const struct kevent *ev)
{
	return ev->filter == EVFILT_USER;
}

#else

#define kqueue_open_waker NULL

static bool is_user_wake(const struct kevent *ev)
{
	(void)ev;

	return false;
}

#endif

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
	struct iv_fd *fd = find(st, ev);
	unsigned int bands;

	if (fd == NULL)
		return;

	if (ev->flags & EV_ERROR) {
		add_to_ended(st, fd);
		if (!waits_for_end(fd->wanted_))
			iv__fd_ready(loop, fd, IV__BAND_ALL);
		return;
	}

	bands = bands_of(ev);
	if (waits_for_end(fd->wanted_)) {
		if (bands != IV__BAND_ALL)
			return;
		add_to_ended(st, fd);
	}
	iv__fd_ready(loop, fd, bands);
}

static void collect(struct iv__loop *loop, const struct kevent *ev)
{
	if ((uintptr_t)ev->udata != WAKER)
		collect_fd(loop, ev);
	else if (is_user_wake(ev))
		loop->waker.arrived++;
	else
		iv__waker_collect(&loop->waker);
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

		take_off_ended(st, fd);
		if (errors == 0 && !waits_for_end(fd->wanted_))
			set_filters(st, fd, 0, fd->wanted_);
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
static void kqueue_wait(struct iv__loop *loop, int64_t timeout_ns)
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
static int kqueue_descriptor(struct iv__loop *loop, int64_t *timeout_ns)
{
	struct kqueue_state *st = loop->backend_state;

	if (st->num_changes > 0)
		apply(st, NULL);
	if (st->num_ended > 0)
		*timeout_ns = 0;

	return st->kq;
}

const struct iv__backend iv__backend_kqueue = {
	.name = "kqueue",
	.open = kqueue_open,
	.close = kqueue_close,
	.reopen = kqueue_reopen,
	.add = kqueue_add,
	.change = kqueue_change,
	.remove = kqueue_remove,
	.watch_waker = kqueue_watch_waker,
	.open_waker = kqueue_open_waker,
	.descriptor = kqueue_descriptor,
	.wait = kqueue_wait,
};
