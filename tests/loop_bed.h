/* SPDX-License-Identifier: MIT */
/*
 * loop_bed.h - one of each kind for a loop, whose handler notes its word
 */
#ifndef LOOP_BED_H
#define LOOP_BED_H

#include <iv_event.h>
#include "harness.h"

/* Ready to be read from the start. */
struct ready_fd {
	struct iv_fd fd;
	int pipefd[2];
};

static inline void noted_task(struct iv_task *task, const char *word,
			      void (*handler)(void *cookie))
{
	IV_TASK_INIT(task);
	task->cookie = (void *)(uintptr_t)word;
	task->handler = handler;
	iv_task_register(task);
}

/* Those due together must have equal times, or they need not be due at once. */
static inline void noted_timer(struct iv_timer *timer, const char *word,
			       void (*handler)(void *cookie))
{
	IV_TIMER_INIT(timer);
	timer->expires = iv_now;
	timer->cookie = (void *)(uintptr_t)word;
	timer->handler = handler;
	iv_timer_register(timer);
}

static inline void noted_event(struct iv_event *event, const char *word,
			       void (*handler)(void *cookie))
{
	event->cookie = (void *)(uintptr_t)word;
	event->handler = handler;
	assert_int_equal(iv_event_register(event), 0);
}

static inline void
noted_fd(struct ready_fd *fd, const char *word, void (*handler)(void *cookie))
{
	make_pipe(fd->pipefd);
	put_byte(fd->pipefd[1]);
	IV_FD_INIT(&fd->fd);
	fd->fd.fd = fd->pipefd[0];
	fd->fd.cookie = (void *)(uintptr_t)word;
	fd->fd.handler_in = handler;
	iv_fd_register(&fd->fd);
}

static inline void drop_fd(struct ready_fd *fd)
{
	iv_fd_unregister(&fd->fd);
	close_both(fd->pipefd);
}

#endif
