/* SPDX-License-Identifier: MIT */
/*
 * fd.c - descriptors: what they want, and calling their handlers
 *
 *	            register            flush             unregister
 *	  (nothing) --------> known here -----> watched by -----------> (nothing)
 *	                        |               the backend
 *	                        `---------------- no system call ------^
 *
 * A change of interest only puts the object on the dirty list; the list is
 * flushed once, before the loop waits, so that what was switched on and off
 * again costs nothing. The backend puts what is ready on the ready list; it
 * is dispatched after the wait.
 *
 * Where telling the kernel costs a system call each time, a band that is
 * switched off stays watched until it is reported for nothing, for it may be
 * wanted again before: a server that reads a request, answers it and reads
 * the next one has nothing to tell. Bands found out to be ready while they
 * are off are told promptly from then on; so is out once it was ready, which
 * it stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "backend.h"
#include "loop.h"

/* flags_ */
enum {
	ADDED = 1, /* the backend knows the object */
	/* Was off during a wait: is it still the file that is watched? */
	RESTED = 2,
	/* Bands, shifted, to be told of promptly when they are off. */
	PROMPT_SHIFT = 2,
};

typedef void fd_handler(void *cookie);

IV__PUBLIC void IV_FD_INIT(struct iv_fd *fd)
{
	memset(fd, 0, sizeof(*fd));
	fd->fd = -1;
	fd->index_ = -1;
}

static unsigned int bands_wanted(const struct iv_fd *fd)
{
	return (fd->handler_in != NULL ? IV__BAND_IN : 0) |
	       (fd->handler_out != NULL ? IV__BAND_OUT : 0) |
	       (fd->handler_err != NULL ? IV__BAND_ERR : 0);
}

/* Does the kernel have to know that wanted_ differs from watched_? */
static bool must_tell(const struct iv_fd *fd)
{
	unsigned int told = fd->wanted_ | fd->flags_ >> PROMPT_SHIFT;

	return ((fd->wanted_ ^ fd->watched_) & told) != 0 ||
	       ((fd->flags_ & RESTED) && fd->wanted_ != 0);
}

static bool is_dirty(const struct iv_fd *fd)
{
	if (fd->wanted_ == 0 && fd->watched_ != 0 && !(fd->flags_ & RESTED))
		return true;

	return must_tell(fd);
}

static void update_dirty(struct iv__loop *loop, struct iv_fd *fd)
{
	if (!is_dirty(fd))
		iv_list_del_init(&fd->dirty_);
	else if (iv_list_empty(&fd->dirty_))
		iv_list_add_tail(&fd->dirty_, &loop->dirty);
}

static int set_nonblocking(int fd)
{
	int on = 1;
	int flags;

	if (ioctl(fd, FIONBIO, &on) == 0)
		return 0;
	if (errno == EBADF)
		return -EBADF;

	/* A kind of file whose driver knows no FIONBIO. */
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;

	return 0;
}

static int prepare(int fd)
{
	int on = 1;
	int ret;

	ret = set_nonblocking(fd);
	if (ret < 0)
		return ret;

	if (ioctl(fd, FIOCLEX) < 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);

	/* Fails on what is not a socket, which has no urgent data. */
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));

	return 0;
}

static struct iv__loop *begin_register(struct iv_fd *fd, const char *call)
{
	struct iv__loop *loop = iv__loop_self(call);

	if (loop->forked)
		iv__loop_reopen(loop);
	if (fd->loop_ != NULL)
		iv_fatal("%s: descriptor %d: this object is registered "
			 "already; unregister it first",
			 call, fd->fd);

	INIT_IV_LIST_HEAD(&fd->dirty_);
	INIT_IV_LIST_HEAD(&fd->ready_);
	fd->watched_ = 0;
	fd->fired_ = 0;
	fd->flags_ = loop->backend->lazy ? 0 : IV__BAND_ALL << PROMPT_SHIFT;

	return loop;
}

static void end_register(struct iv__loop *loop, struct iv_fd *fd)
{
	fd->loop_ = loop;
	fd->wanted_ = (uint8_t)bands_wanted(fd);
	loop->numobjs++;
	update_dirty(loop, fd);
}

/* Have the backend watch for wanted_. 0 or -errno. */
static int watch(struct iv__loop *loop, struct iv_fd *fd)
{
	int ret;

	if (fd->flags_ & ADDED)
		ret = loop->backend->change(loop, fd);
	else
		ret = loop->backend->add(loop, fd);
	if (ret < 0)
		return ret;

	fd->flags_ = (uint8_t)((fd->flags_ | ADDED) & ~RESTED);
	fd->watched_ = fd->wanted_;

	return 0;
}

IV__PUBLIC void iv_fd_register(struct iv_fd *fd)
{
	struct iv__loop *loop = begin_register(fd, "iv_fd_register");
	int ret;

	ret = prepare(fd->fd);
	if (ret < 0)
		iv_fatal("iv_fd_register: descriptor %d: %s; give it an open "
			 "descriptor",
			 fd->fd, strerror(-ret));

	end_register(loop, fd);
}

/* Registered and told to the backend at once. 0 or -errno. */
static int register_now(struct iv__loop *loop, struct iv_fd *fd)
{
	int ret;

	if (fd->fd < 0)
		return -EBADF;

	fd->wanted_ = (uint8_t)bands_wanted(fd);
	ret = watch(loop, fd);
	if (ret == 0)
		end_register(loop, fd);

	return ret;
}

/* Added before it is touched: a failure must leave no trace. */
IV__PUBLIC int iv_fd_register_try(struct iv_fd *fd)
{
	struct iv__loop *loop = begin_register(fd, "iv_fd_register_try");
	int ret;

	ret = register_now(loop, fd);
	if (ret == 0) {
		ret = prepare(fd->fd);
		if (ret < 0)
			iv_fd_unregister(fd);
	}
	if (ret < 0) {
		errno = -ret;
		return -1;
	}

	return 0;
}

int iv__fd_register_own(struct iv_fd *fd)
{
	return register_now(begin_register(fd, "iv_fd_register"), fd);
}

static void stop_dispatch(struct iv__loop *loop, const struct iv_fd *fd)
{
	struct iv__dispatch *level;

	for (level = loop->dispatching; level != NULL; level = level->outer) {
		if (level->fd == fd)
			level->fd = NULL;
	}
}

IV__PUBLIC void iv_fd_unregister(struct iv_fd *fd)
{
	struct iv__loop *loop = iv__loop_of(fd->loop_, "iv_fd_unregister");

	if (loop->forked)
		iv__loop_reopen(loop);
	iv_list_del_init(&fd->dirty_);
	iv_list_del_init(&fd->ready_);
	stop_dispatch(loop, fd);
	if (fd->flags_ & ADDED)
		loop->backend->remove(loop, fd);

	fd->loop_ = NULL;
	loop->numobjs--;
}

IV__PUBLIC int iv_fd_registered(const struct iv_fd *fd)
{
	return fd->loop_ != NULL;
}

static void set_handler(struct iv_fd *fd, unsigned int band, fd_handler **slot,
			fd_handler *handler, const char *call)
{
	struct iv__loop *loop = iv__loop_of(fd->loop_, call);

	*slot = handler;
	fd->wanted_ &= (uint8_t)~band;
	if (handler != NULL)
		fd->wanted_ |= (uint8_t)band;
	update_dirty(loop, fd);
}

IV__PUBLIC void iv_fd_set_handler_in(struct iv_fd *fd, fd_handler *handler)
{
	set_handler(fd, IV__BAND_IN, &fd->handler_in, handler,
		    "iv_fd_set_handler_in");
}

IV__PUBLIC void iv_fd_set_handler_out(struct iv_fd *fd, fd_handler *handler)
{
	set_handler(fd, IV__BAND_OUT, &fd->handler_out, handler,
		    "iv_fd_set_handler_out");
}

IV__PUBLIC void iv_fd_set_handler_err(struct iv_fd *fd, fd_handler *handler)
{
	set_handler(fd, IV__BAND_ERR, &fd->handler_err, handler,
		    "iv_fd_set_handler_err");
}

void iv__fds_flush(struct iv__loop *loop)
{
	if (loop->forked)
		iv__loop_reopen(loop);

	while (!iv_list_empty(&loop->dirty)) {
		struct iv_fd *fd =
			iv_container_of(loop->dirty.next, struct iv_fd, dirty_);
		int ret;

		iv_list_del_init(&fd->dirty_);
		if (!must_tell(fd)) {
			fd->flags_ |= RESTED;
			continue;
		}
		ret = watch(loop, fd);
		if (ret < 0)
			iv_fatal("iv_fd_register: descriptor %d cannot be "
				 "watched by %s: %s; give it an open, pollable "
				 "descriptor once, or use iv_fd_register_try()",
				 fd->fd, loop->backend->name, strerror(-ret));
	}
}

/* A wait has ended for nothing, or out is ready, and will be when it is off. */
static unsigned int
learn(struct iv__loop *loop, struct iv_fd *fd, unsigned int bands)
{
	unsigned int off = bands & fd->watched_ & ~fd->wanted_;

	fd->flags_ |= (uint8_t)((off | (bands & IV__BAND_OUT)) << PROMPT_SHIFT);
	update_dirty(loop, fd);

	/* An error or a hang-up is for whichever handlers there will be. */
	return bands == IV__BAND_ALL ? bands : bands & ~off;
}

void iv__fd_ready(struct iv__loop *loop, struct iv_fd *fd, unsigned int bands)
{
	unsigned int prompt = fd->flags_ >> PROMPT_SHIFT;

	if (bands & ~prompt & (~fd->wanted_ | IV__BAND_OUT))
		bands = learn(loop, fd, bands);
	if (bands == 0)
		return;

	if (fd->fired_ == 0)
		iv_list_add_tail(&fd->ready_, &loop->ready);
	fd->fired_ |= (uint8_t)bands;
}

/* Handlers may unregister and free the object: level.fd tells. */
static void dispatch(struct iv__loop *loop, struct iv_fd *fd)
{
	struct iv__dispatch level = { fd, loop->dispatching };
	unsigned int bands = fd->fired_;

	fd->fired_ = 0;
	loop->dispatching = &level;

	if ((bands & IV__BAND_ERR) && fd->handler_err != NULL)
		fd->handler_err(fd->cookie);
	if (level.fd != NULL && (bands & IV__BAND_IN) && fd->handler_in != NULL)
		fd->handler_in(fd->cookie);
	if (level.fd != NULL && (bands & IV__BAND_OUT) &&
	    fd->handler_out != NULL)
		fd->handler_out(fd->cookie);

	loop->dispatching = level.outer;
}

static struct iv_fd *first_ready(struct iv__loop *loop)
{
	return iv_container_of(loop->ready.next, struct iv_fd, ready_);
}

void iv__fds_dispatch(struct iv__loop *loop)
{
	while (!iv_list_empty(&loop->ready)) {
		struct iv_fd *fd = first_ready(loop);

		iv_list_del_init(&fd->ready_);
		/* What the next handler will want. */
		if (!iv_list_empty(&loop->ready))
			__builtin_prefetch(first_ready(loop)->cookie, 1);
		dispatch(loop, fd);
	}
}
