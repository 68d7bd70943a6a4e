/* SPDX-License-Identifier: MIT */
/*
 * scenarios_end.c - loops that others bring to their end
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <iv_loop.h>
#include "bed.h"

#define MS ((int64_t)1000000)

static void prepare_nothing(void)
{
}

struct stopped {
	pthread_t thread;
	iv_loop_id id;
	int listens; /* what iv_loop_listen() has returned */
	sem_t ready;
	sem_t may_end;
};

static void not_in_time(void *cookie)
{
	(void)cookie;
	broken("a loop was not stopped");
}

/* It keeps a loop alive. */
static void add_timer(struct iv_timer *timer)
{
	IV_TIMER_INIT(timer);
	timer->expires = iv_now;
	timer->expires.tv_sec += 3600;
	timer->handler = not_in_time;
	iv_timer_register(timer);
}

static void *be_stopped(void *arg)
{
	struct stopped *self = arg;
	struct iv_timer timer;

	iv_init();
	self->id = iv_loop_self();
	self->listens = iv_loop_listen();
	sem_post(&self->ready);
	if (self->listens < 0) {
		sem_wait(&self->may_end);
		EXPECT(iv_loop_stopped(), "the loop does not know");
	}
	add_timer(&timer);
	if (self->listens == 0)
		iv_main();
	EXPECT(iv_loop_stopped(), "the loop has ended by itself");
	iv_timer_unregister(&timer);
	iv_deinit();

	return NULL;
}

static void start_stopped(struct stopped *loop)
{
	sem_init(&loop->ready, 0, 0);
	sem_init(&loop->may_end, 0, 0);
	EXPECT(pthread_create(&loop->thread, NULL, be_stopped, loop) == 0,
	       "the sweep has no thread");
	stage("a loop to open");
	sem_wait(&loop->ready);
	if (loop->listens < 0)
		refused_with("iv_loop_listen", loop->listens);
}

static void stop_and_join(struct stopped *loop)
{
	int ret;

	stage("a loop to be stopped");
	EXPECT(iv_loop_join(loop->id, 0) == -ETIMEDOUT &&
		       iv_loop_join(loop->id, MS) == -ETIMEDOUT,
	       "a loop that runs is joined");
	ret = iv_loop_stop(loop->id);
	EXPECT(ret == (loop->listens == 0 ? 0 : -ENOTCONN),
	       "iv_loop_stop returns %d", ret);
	sem_post(&loop->may_end);

	stage("a loop to be joined");
	ret = iv_loop_join(loop->id, -1);
	EXPECT(ret == 0 || ret == -ESRCH, "iv_loop_join returns %d", ret);
	EXPECT(iv_loop_join(loop->id, -1) == -ESRCH &&
		       iv_loop_stop(loop->id) == -ESRCH,
	       "a loop outlives its end");
	pthread_join(loop->thread, NULL);
}

static void run_stop(void)
{
	struct stopped loop;

	open_loop();
	start_stopped(&loop);
	stop_and_join(&loop);
	close_loop();
}

/* Told before it runs, and perhaps while it does not listen. */
static void run_stop_own(void)
{
	struct iv_timer timer;
	int listens;
	int ret;

	open_loop();
	add_timer(&timer);
	listens = iv_loop_listen();
	if (listens < 0)
		refused_with("iv_loop_listen", listens);
	ret = iv_loop_stop(iv_loop_self());
	EXPECT(ret == (listens == 0 ? 0 : -ENOTCONN), "iv_loop_stop returns %d",
	       ret);
	if (ret == 0)
		run_loop("a loop that was told to stop");
	EXPECT(iv_loop_stopped(), "the loop does not know");
	iv_timer_unregister(&timer);
	close_loop();
}

const struct scenario end_scenarios[] = {
	{ "stop", "another loop stopped and joined", prepare_nothing,
	  run_stop },
	{ "stop_own", "the own loop stopped before it runs", prepare_nothing,
	  run_stop_own },
	{ 0 },
};
