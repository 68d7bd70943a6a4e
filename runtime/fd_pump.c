/* SPDX-License-Identifier: MIT */
/*
 * fd_pump.c - move a stream of bytes from one descriptor to another
 *
 *	from_fd --splice--> pipe ---splice--> to_fd	 as long as both agree
 *	from_fd --read----> memory --write--> to_fd	 from then on
 *
 * Which files can be spliced is known only by trying. A refusal may come when
 * bytes are in the pipe already, so the pipe never holds more than the memory
 * that would take its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <iv_fd_pump.h>
#include "loop.h"

enum { CAPACITY = 65536 };

/* phase_ */
enum {
	FLOWING,
	ENDED, /* from_fd has ended, not all is delivered */
	DONE,
};

struct iv__pump_store {
	int rfd; /* the pipe; -1: the bytes are below */
	int wfd;
	unsigned char data[]; /* CAPACITY, without a pipe */
};

/* The store *************************************************************/

static struct iv__pump_store *open_pipe(void)
{
#ifdef IV__HAVE_SPLICE
	struct iv__pump_store *store = malloc(sizeof(*store));
	int fds[2];

	if (store == NULL)
		return NULL;
	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0) {
		free(store);
		return NULL;
	}

	store->rfd = fds[0];
	store->wfd = fds[1];

	return store;
#else
	return NULL;
#endif
}

static struct iv__pump_store *open_memory(void)
{
	struct iv__pump_store *store = malloc(sizeof(*store) + CAPACITY);

	if (store != NULL) {
		store->rfd = -1;
		store->wfd = -1;
	}

	return store;
}

static bool is_pipe(const struct iv__pump_store *store)
{
	return store->rfd >= 0;
}

static void close_store(struct iv__pump_store *store)
{
	if (store != NULL && is_pipe(store)) {
		close(store->rfd);
		close(store->wfd);
	}
	free(store);
}

static int need_store(struct iv_fd_pump *pump)
{
	if (pump->store_ == NULL)
		pump->store_ = open_pipe();
	if (pump->store_ == NULL)
		pump->store_ = open_memory();

	return pump->store_ != NULL ? 0 : -ENOMEM;
}

/* Go on with memory, with what the pipe holds in it. */
static int leave_pipe(struct iv_fd_pump *pump)
{
	struct iv__pump_store *store = open_memory();
	int got = 0;

	if (store == NULL)
		return -ENOMEM;

	while (got < pump->held_) {
		ssize_t ret = read(pump->store_->rfd, store->data + got,
				   (size_t)(pump->held_ - got));

		if (ret > 0)
			got += (int)ret;
		else if (ret == 0 || errno != EINTR)
			break;
	}

	close_store(pump->store_);
	pump->store_ = store;

	return got == pump->held_ ? 0 : -EIO;
}

/* Moving ****************************************************************/

/* Not for these files, or not on this system. */
static bool is_refused(ssize_t ret)
{
	return ret == -EINVAL || ret == -ENOSYS || ret == -EPERM ||
	       ret == -EOPNOTSUPP;
}

/* Bytes moved, 0 at end of file, -errno. */
static ssize_t move(int from_fd, int to_fd, int max)
{
#ifdef IV__HAVE_SPLICE
	ssize_t ret;

	do {
		ret = splice(from_fd, NULL, to_fd, NULL, (size_t)max,
			     SPLICE_F_NONBLOCK);
	} while (ret < 0 && errno == EINTR);

	return ret < 0 ? -errno : ret;
#else
	(void)from_fd;
	(void)to_fd;
	(void)max;
	return -ENOSYS;
#endif
}

static ssize_t take(struct iv_fd_pump *pump)
{
	int room = CAPACITY - pump->held_;
	ssize_t ret;

	if (is_pipe(pump->store_)) {
		ret = move(pump->from_fd, pump->store_->wfd, room);
		if (!is_refused(ret))
			return ret;
		ret = leave_pipe(pump);
		if (ret < 0)
			return ret;
	}

	do {
		ret = read(pump->from_fd, pump->store_->data + pump->held_,
			   (size_t)room);
	} while (ret < 0 && errno == EINTR);

	return ret < 0 ? -errno : ret;
}

static ssize_t give(struct iv_fd_pump *pump)
{
	ssize_t ret;

	if (is_pipe(pump->store_)) {
		ret = move(pump->store_->rfd, pump->to_fd, pump->held_);
		if (!is_refused(ret))
			return ret;
		ret = leave_pipe(pump);
		if (ret < 0)
			return ret;
	}

	do {
		ret = write(pump->to_fd, pump->store_->data,
			    (size_t)pump->held_);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;

	memmove(pump->store_->data, pump->store_->data + ret,
		(size_t)(pump->held_ - ret));

	return ret;
}

/*
 * A pipe is full when its slots are used up, which small pieces do long
 * before CAPACITY is reached. splice(2) says EAGAIN then as it does when there
 * is nothing to read; only the pipe itself can tell the two apart. Taking one
 * for the other would have a program spin on an end of file that is readable
 * but cannot be taken.
 */
static bool has_room(const struct iv__pump_store *store)
{
	struct pollfd pfd = { .fd = store->wfd, .events = POLLOUT };

	return !is_pipe(store) || poll(&pfd, 1, 0) > 0;
}

static int fill(struct iv_fd_pump *pump)
{
	ssize_t ret;

	if (pump->phase_ != FLOWING || pump->full_)
		return 0;

	ret = take(pump);
	if (ret == -EAGAIN)
		pump->full_ = pump->held_ > 0 && !has_room(pump->store_);
	else if (ret < 0)
		return (int)ret;
	else if (ret == 0)
		pump->phase_ = ENDED;
	else
		pump->held_ += (int)ret;

	if (pump->held_ == CAPACITY)
		pump->full_ = true;

	return 0;
}

static int drain(struct iv_fd_pump *pump)
{
	ssize_t ret;

	if (pump->held_ == 0)
		return 0;

	ret = give(pump);
	if (ret < 0)
		return ret == -EAGAIN ? 0 : (int)ret;

	pump->held_ -= (int)ret;
	if (ret > 0)
		pump->full_ = false;

	return 0;
}

/* What is no socket, or has lost its peer, has nobody to tell. */
static int relay_end(const struct iv_fd_pump *pump)
{
	if (!(pump->flags & IV_FD_PUMP_FLAG_RELAY_EOF) ||
	    shutdown(pump->to_fd, SHUT_WR) == 0)
		return 0;

	return errno == ENOTSOCK || errno == ENOTCONN ? 0 : -errno;
}

static int finish(struct iv_fd_pump *pump)
{
	int ret;

	if (pump->phase_ != ENDED || pump->held_ > 0)
		return 0;

	ret = relay_end(pump);
	if (ret < 0)
		return ret;

	pump->phase_ = DONE;
	close_store(pump->store_);
	pump->store_ = NULL;

	return 0;
}

static int step(struct iv_fd_pump *pump)
{
	int ret;

	if (pump->phase_ == DONE)
		return 0;

	ret = need_store(pump);
	if (ret == 0)
		ret = fill(pump);
	if (ret == 0)
		ret = drain(pump);
	if (ret == 0)
		ret = finish(pump);

	return ret;
}

/* The interface *********************************************************/

IV__PUBLIC void iv_fd_pump_init(struct iv_fd_pump *pump)
{
	if (pump->set_bands == NULL)
		iv_fatal("iv_fd_pump_init: set_bands is NULL; set it to a "
			 "function that watches the descriptors");

	pump->store_ = NULL;
	pump->held_ = 0;
	pump->full_ = false;
	pump->phase_ = FLOWING;
	pump->set_bands(pump->cookie, 1, 0);
}

IV__PUBLIC void iv_fd_pump_destroy(struct iv_fd_pump *pump)
{
	bool was_done = pump->phase_ == DONE;

	close_store(pump->store_);
	pump->store_ = NULL;
	pump->held_ = 0;
	pump->phase_ = DONE;
	if (!was_done)
		pump->set_bands(pump->cookie, 0, 0);
}

/* set_bands may destroy the pump: it is not touched afterwards. */
IV__PUBLIC int iv_fd_pump_pump(struct iv_fd_pump *pump)
{
	int ret = step(pump);
	bool done = pump->phase_ == DONE;

	if (ret < 0) {
		errno = -ret;
		return -1;
	}

	pump->set_bands(pump->cookie, pump->phase_ == FLOWING && !pump->full_,
			pump->held_ > 0);

	return !done;
}

IV__PUBLIC int iv_fd_pump_is_done(const struct iv_fd_pump *pump)
{
	return pump->phase_ == DONE;
}
