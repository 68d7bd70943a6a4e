/* SPDX-License-Identifier: MIT */
/*
 * stress_work_left.c - what items leave in a worker's loop
 *
 * Each object is counted as left and, once the worker's loop has served it, as
 * served; the two must be the same when the pool has ended.
 */
#include <stdlib.h>
#include <unistd.h>
#include "stress_work.h"

struct left_timer {
	struct iv_timer timer;
	struct iv_task task;
	struct ground *ground;
};

struct left_pipe {
	struct iv_fd fd;
	int write_fd;
	struct ground *ground;
};

/* Posted by the completion, handled by the worker that registered it. */
struct left_event {
	struct iv_event event;
	struct ground *ground;
	pthread_t home;
};

static void served(struct ground *ground)
{
	atomic_fetch_add(&ground->objects_served, 1);
}

static void got_task(void *cookie)
{
	struct left_timer *left = cookie;

	served(left->ground);
	free(left);
}

static void got_timer(void *cookie)
{
	struct left_timer *left = cookie;

	iv_task_register(&left->task);
}

static void leave_timer(struct item *item)
{
	struct left_timer *left = stress_allocate(sizeof(*left));

	left->ground = item->ground;
	IV_TASK_INIT(&left->task);
	left->task.cookie = left;
	left->task.handler = got_task;
	IV_TIMER_INIT(&left->timer);
	left->timer.cookie = left;
	left->timer.handler = got_timer;
	left->timer.expires = iv_now;
	iv_timer_register(&left->timer);
}

static void got_byte(void *cookie)
{
	struct left_pipe *left = cookie;
	char byte = 0;

	STRESS_CHECK(read(left->fd.fd, &byte, 1) == 1 && byte == 'x',
		     "a worker's descriptor was called without being ready");
	iv_fd_unregister(&left->fd);
	close(left->fd.fd);
	close(left->write_fd);
	served(left->ground);
	free(left);
}

static void leave_pipe(struct item *item)
{
	struct left_pipe *left = stress_allocate(sizeof(*left));
	int fds[2];

	STRESS_CHECK(pipe(fds) == 0, "pipe failed");
	left->ground = item->ground;
	left->write_fd = fds[1];
	IV_FD_INIT(&left->fd);
	left->fd.fd = fds[0];
	left->fd.cookie = left;
	left->fd.handler_in = got_byte;
	iv_fd_register(&left->fd);
	STRESS_CHECK(write(fds[1], "x", 1) == 1, "write to a pipe failed");
}

static void got_left_event(void *cookie)
{
	struct left_event *left = cookie;

	STRESS_CHECK(pthread_equal(left->home, pthread_self()),
		     "an event was handled in a foreign thread");
	iv_event_unregister(&left->event);
	served(left->ground);
	free(left);
}

static void leave_event(struct item *item)
{
	struct left_event *left = stress_allocate(sizeof(*left));

	left->ground = item->ground;
	left->home = pthread_self();
	left->event.cookie = left;
	left->event.handler = got_left_event;
	stress_register(&left->event);
	item->left = left;
}

void work_leave_object(struct item *item)
{
	unsigned int kind = stress_random(&item->rng, 4);

	if (kind == 3 && item->work.completion == NULL)
		kind = 0;
	if (kind == 0)
		return;

	atomic_fetch_add(&item->ground->objects, 1);
	if (kind == 1)
		leave_timer(item);
	else if (kind == 2)
		leave_pipe(item);
	else
		leave_event(item);
}

void work_post_left_event(struct item *item)
{
	if (item->left != NULL)
		iv_event_post(&item->left->event);
}
