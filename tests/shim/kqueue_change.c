/* SPDX-License-Identifier: MIT */
/*
 * kqueue_change.c - what one entry of a changelist does to the kqueue shim
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include "kqueue.h"

static bool is_of_descriptor(short filter)
{
	return filter == EVFILT_READ || filter == EVFILT_WRITE;
}

static int side_of(short filter)
{
	return filter == EVFILT_READ ? SIDE_READ : SIDE_WRITE;
}

static bool has_knotes(const struct source *source)
{
	return source->knotes[SIDE_READ] != NULL ||
	       source->knotes[SIDE_WRITE] != NULL;
}

/* Have the set watch for what the knotes need. 0 or an errno. */
static int watch(struct queue *queue, struct source *source)
{
	uint32_t fd = (uint32_t)(source - queue->sources);
	struct epoll_event ev = { EPOLLET, { .u64 = fd } };
	int ret;

	if (source->knotes[SIDE_READ] != NULL)
		ev.events |= EPOLLIN | EPOLLRDHUP;
	if (source->knotes[SIDE_WRITE] != NULL)
		ev.events |= EPOLLOUT;
	ev.data.u64 |= (uint64_t)source->generation << 32;

	ret = epoll_ctl(queue->fd, EPOLL_CTL_MOD, (int)fd, &ev);
	if (ret < 0 && errno == ENOENT)
		ret = epoll_ctl(queue->fd, EPOLL_CTL_ADD, (int)fd, &ev);

	return ret < 0 ? errno : 0;
}

static void unwatch(struct queue *queue, struct source *source)
{
	struct epoll_event unused;

	if (source->is_unwatched) {
		source->is_unwatched = false;
		queue->num_unwatched--;
	} else {
		/* Fails on what is closed. */
		epoll_ctl(queue->fd, EPOLL_CTL_DEL,
			  (int)(source - queue->sources), &unused);
	}
}

/* Off the table of descriptors, or the list of others. */
static void unlink_knote(struct queue *queue, struct knote *knote)
{
	struct knote **link = &queue->others;
	struct source *source;

	if (!is_of_descriptor(knote->kev.filter)) {
		while (*link != knote)
			link = &(*link)->next_other;
		*link = knote->next_other;
		return;
	}

	source = &queue->sources[knote->kev.ident];
	source->knotes[side_of(knote->kev.filter)] = NULL;
	if (!has_knotes(source))
		unwatch(queue, source);
}

void shim_drop(struct queue *queue, struct knote *knote)
{
	shim_dequeue(queue, knote);
	unlink_knote(queue, knote);
	free(knote);
}

static void drop_source(struct queue *queue, struct source *source)
{
	int side;

	for (side = 0; side < NUM_SIDES; side++) {
		if (source->knotes[side] != NULL)
			shim_drop(queue, source->knotes[side]);
	}
}

/* In a forked child too, where the set may not be touched. */
void shim_free_queue(struct queue *queue)
{
	struct knote *knote;
	int i;

	for (i = 0; i < queue->num_sources; i++) {
		free(queue->sources[i].knotes[SIDE_READ]);
		free(queue->sources[i].knotes[SIDE_WRITE]);
	}
	while (queue->others != NULL) {
		knote = queue->others;
		queue->others = knote->next_other;
		free(knote);
	}
	free(queue->sources);
	free(queue);
}

/* With knotes. The kernel's vanish when the descriptor is closed: so here. */
struct source *shim_source(struct queue *queue, uintptr_t fd)
{
	struct source *source;
	struct stat st;

	if (fd >= (uintptr_t)queue->num_sources)
		return NULL;
	source = &queue->sources[fd];
	if (!has_knotes(source))
		return NULL;

	if (fstat((int)fd, &st) < 0 || st.st_dev != source->dev ||
	    st.st_ino != source->ino) {
		drop_source(queue, source);
		return NULL;
	}

	return source;
}

/* The table reaches to @fd, or an errno. */
static int reserve(struct queue *queue, int fd)
{
	int num = fd + fd / 2 + 16;
	struct source *sources;

	if (fd < queue->num_sources)
		return 0;

	sources = realloc(queue->sources, (size_t)num * sizeof(*sources));
	if (sources == NULL)
		return ENOMEM;

	memset(sources + queue->num_sources, 0,
	       (size_t)(num - queue->num_sources) * sizeof(*sources));
	queue->sources = sources;
	queue->num_sources = num;

	return 0;
}

/* The source of an open descriptor, with knotes or without. 0 or an errno. */
static int
make_source(struct queue *queue, uintptr_t fd, struct source **source)
{
	struct stat st;
	int error;

	if (fd > INT32_MAX || fstat((int)fd, &st) < 0)
		return EBADF;
	error = reserve(queue, (int)fd);
	if (error != 0)
		return error;

	if (shim_source(queue, fd) == NULL) {
		struct source *fresh = &queue->sources[fd];

		fresh->generation++;
		fresh->mode = st.st_mode;
		fresh->dev = st.st_dev;
		fresh->ino = st.st_ino;
	}
	*source = &queue->sources[fd];

	return 0;
}

static int
attach(struct queue *queue, struct source *source, struct knote *knote)
{
	int error = shim_may_attach(source, &knote->kev);

	if (error != 0)
		return error;

	source->knotes[side_of(knote->kev.filter)] = knote;
	error = source->is_unwatched ? 0 : watch(queue, source);
	if (error == EPERM) {
		source->is_unwatched = true;
		queue->num_unwatched++;
		return 0;
	}
	if (error != 0)
		source->knotes[side_of(knote->kev.filter)] = NULL;

	return error;
}

static int add_for_descriptor(struct queue *queue, struct knote *knote)
{
	struct source *source;
	int error = make_source(queue, knote->kev.ident, &source);

	return error != 0 ? error : attach(queue, source, knote);
}

static int add_other(struct queue *queue, struct knote *knote)
{
	switch (knote->kev.filter) {
	case EVFILT_USER:
	case EVFILT_TIMER:
		knote->next_other = queue->others;
		queue->others = knote;
		return 0;
	default:
		return EINVAL;
	}
}

static int
add(struct queue *queue, const struct kevent *change, struct knote **made)
{
	struct knote *knote = calloc(1, sizeof(*knote));
	int error;

	if (knote == NULL)
		return ENOMEM;

	knote->kev = *change;
	knote->kev.flags &= EV_ONESHOT | EV_CLEAR | EV_DISPATCH;
	if (is_of_descriptor(change->filter))
		error = add_for_descriptor(queue, knote);
	else
		error = add_other(queue, knote);
	if (error != 0) {
		free(knote);
		return error;
	}
	*made = knote;

	return 0;
}

/* 0, with NULL when there is none, or an errno. */
static int
find(struct queue *queue, const struct kevent *change, struct knote **found)
{
	struct knote *knote;
	struct source *source;
	struct stat st;

	*found = NULL;
	if (is_of_descriptor(change->filter)) {
		source = shim_source(queue, change->ident);
		if (source != NULL)
			*found = source->knotes[side_of(change->filter)];
		else if (change->ident > INT32_MAX ||
			 fstat((int)change->ident, &st) < 0)
			return EBADF;
		return 0;
	}

	for (knote = queue->others; knote != NULL; knote = knote->next_other) {
		if (knote->kev.filter == change->filter &&
		    knote->kev.ident == change->ident)
			*found = knote;
	}

	return 0;
}

/* What the change says beyond being there. 0 or an errno. */
static int touch(struct queue *queue, struct knote *knote,
		 const struct kevent *change, bool is_new)
{
	int error = 0;

	if (change->flags & EV_ADD) {
		knote->kev.udata = change->udata;
		knote->kev.fflags = change->fflags;
		knote->kev.data = change->data;
	}
	if (change->filter == EVFILT_USER) {
		shim_touch_user(knote, change);
	} else if (change->filter == EVFILT_TIMER && change->flags & EV_ADD) {
		error = shim_start_timer(knote, change);
		queue->nudged = queue->num_waiting > 0;
	}
	if (error != 0 && is_new)
		shim_drop(queue, knote);

	return error;
}

int shim_change(struct queue *queue, const struct kevent *change)
{
	struct knote *knote;
	struct kevent unused;
	bool is_new = false;
	int error = find(queue, change, &knote);

	if (error == 0 && knote == NULL) {
		is_new = true;
		error = change->flags & EV_ADD ? add(queue, change, &knote)
					       : ENOENT;
	}
	if (error != 0)
		return error;
	if (change->flags & EV_DELETE) {
		shim_drop(queue, knote);
		return 0;
	}

	error = touch(queue, knote, change, is_new);
	if (error != 0)
		return error;

	if (change->flags & EV_DISABLE) {
		knote->disabled = true;
		shim_dequeue(queue, knote);
	} else if (change->flags & (EV_ADD | EV_ENABLE)) {
		knote->disabled = false;
	}
	if (shim_is_ready(shim_source(queue, change->ident), knote, &unused))
		shim_activate(queue, knote);

	return 0;
}
