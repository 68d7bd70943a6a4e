/* SPDX-License-Identifier: MIT */
/*
 * scenarios_end.c - loops that others bring to their end
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <iv_channel.h>
#include <iv_loop.h>
#include <iv_thread.h>
#include <iv_work.h>
#include "bed.h"

#define MS ((int64_t)1000000)

enum { NUM_ENDED = 2, NUM_ITEMS = 6, NUM_MESSAGES = 3, MAX_THREADS = 2 };

static void prepare_nothing(void)
{
}

/* Stop and join ***********************************************************/

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

/* An orderly end ***********************************************************/

/* A loop that has something of everything. */
struct ended {
	pthread_t thread;
	iv_loop_id id;
	int listens;	  /* what iv_loop_listen() has returned */
	const char *call; /* that was refused; NULL: none */
	int error;
	bool has_channel;
	bool has_pool;
	bool blocks; /* the first item, until may_work */
	sem_t ready;
	sem_t may_end;
	sem_t may_work;
	struct iv_channel channel;
	struct iv_channel_sender sender;
	struct iv_channel_message messages[NUM_MESSAGES];
	int num_received;
	int num_dropped;
	struct iv_work_pool pool;
	struct iv_work_item items[NUM_ITEMS];
	atomic_int num_worked;
	int num_completed;
};

static struct ended ended[NUM_ENDED];

static void give_up(struct ended *self, const char *call, int error)
{
	if (self->call == NULL) {
		self->call = call;
		self->error = error;
	}
}

static void count_received(void *cookie, struct iv_channel_message *message)
{
	struct ended *self = cookie;

	(void)message;
	self->num_received++;
}

static void count_dropped(void *cookie, struct iv_channel_message *message)
{
	struct ended *self = cookie;

	(void)message;
	self->num_dropped++;
}

static void add_channel(struct ended *self)
{
	int ret;

	IV_CHANNEL_INIT(&self->channel);
	self->channel.cookie = self;
	self->channel.handler = count_received;
	self->channel.dropped = count_dropped;
	ret = iv_channel_register(&self->channel);
	self->has_channel = ret == 0;
	if (ret < 0)
		give_up(self, "iv_channel_register", -ret);
}

static void work(void *cookie)
{
	struct ended *self = cookie;

	if (atomic_fetch_add(&self->num_worked, 1) == 0 && self->blocks)
		sem_wait(&self->may_work);
}

static void complete(void *cookie)
{
	struct ended *self = cookie;

	self->num_completed++;
}

static void add_pool(struct ended *self)
{
	int i;

	IV_WORK_POOL_INIT(&self->pool);
	self->pool.max_threads = MAX_THREADS;
	self->has_pool = iv_work_pool_create(&self->pool) == 0;
	if (!self->has_pool) {
		give_up(self, "iv_work_pool_create", errno);
		return;
	}

	for (i = 0; i < NUM_ITEMS; i++) {
		IV_WORK_ITEM_INIT(&self->items[i]);
		self->items[i].cookie = self;
		self->items[i].work = work;
		self->items[i].completion = complete;
		iv_work_pool_submit_work(&self->pool, &self->items[i]);
	}
}

static void be_nothing(void *arg)
{
	(void)arg;
}

/* What it has listens as well, if it did not fail: so that comes last. */
static void *be_ended(void *arg)
{
	struct ended *self = arg;
	struct iv_timer timer;

	iv_init();
	self->id = iv_loop_self();
	add_timer(&timer);
	add_channel(self);
	add_pool(self);
	if (iv_thread_create("sweep", be_nothing, NULL) < 0)
		give_up(self, "iv_thread_create", errno);
	self->listens = iv_loop_listen();
	if (self->listens < 0)
		give_up(self, "iv_loop_listen", -self->listens);
	sem_post(&self->ready);
	if (self->listens == 0)
		iv_main();
	else
		sem_wait(&self->may_end);
	iv_timer_unregister(&timer);
	iv_deinit();

	return NULL;
}

static void send_all(struct ended *self)
{
	int ret;
	int i;

	IV_CHANNEL_SENDER_INIT(&self->sender);
	iv_channel_sender_open(&self->sender, &self->channel);
	for (i = 0; i < NUM_MESSAGES; i++) {
		IV_CHANNEL_MESSAGE_INIT(&self->messages[i]);
		ret = iv_channel_send(&self->sender, &self->messages[i]);
		EXPECT(ret == 0, "a send returns %d", ret);
	}
}

static void start_ended(struct ended *self, bool blocks)
{
	memset(self, 0, sizeof(*self));
	self->blocks = blocks;
	sem_init(&self->ready, 0, 0);
	sem_init(&self->may_end, 0, 0);
	sem_init(&self->may_work, 0, 0);
	EXPECT(pthread_create(&self->thread, NULL, be_ended, self) == 0,
	       "the sweep has no thread");
	stage("a loop to open");
	sem_wait(&self->ready);
	if (self->has_channel)
		send_all(self);
}

static void expect_no_room(struct ended *self)
{
	int ret;

	IV_CHANNEL_MESSAGE_INIT(&self->messages[0]);
	ret = iv_channel_send(&self->sender, &self->messages[0]);
	EXPECT(ret == -EPIPE, "a send to a loop that has ended returns %d",
	       ret);
	iv_channel_sender_close(&self->sender);
	EXPECT(self->num_received + self->num_dropped == NUM_MESSAGES,
	       "%d messages were delivered and %d dropped, of %d",
	       self->num_received, self->num_dropped, NUM_MESSAGES);
}

/* @drained: nothing may have been let go. */
static void look_after(struct ended *self, bool drained)
{
	int num_worked;

	stage("the thread of a loop that has ended");
	sem_post(&self->may_end);
	pthread_join(self->thread, NULL);
	if (self->has_channel)
		expect_no_room(self);
	num_worked = atomic_load(&self->num_worked);
	EXPECT(self->num_completed <= num_worked, "%d completions of %d items",
	       self->num_completed, num_worked);
	if (drained && self->listens == 0) {
		EXPECT(self->num_dropped == 0, "%d messages were dropped",
		       self->num_dropped);
		EXPECT(!self->has_pool || self->num_completed == NUM_ITEMS,
		       "%d of %d items were completed", self->num_completed,
		       NUM_ITEMS);
	}
	if (self->call != NULL)
		refused_with(self->call, -self->error);
}

static void count_remaining(void *cookie, iv_loop_id id, const char *what)
{
	int *num = cookie;

	EXPECT(id != 0 && what[0] != '\0', "what remains has no name");
	(*num)++;
}

/* A loop that does not listen ends in its own time. */
static void end_one(struct ended *self)
{
	int64_t timeout_ns = self->listens == 0 ? -1 : 0;
	int num = 0;
	int ret;

	stage("a loop to end");
	ret = iv_loop_end(self->id, IV_LOOP_DRAIN, timeout_ns, count_remaining,
			  &num);
	if (self->listens == 0)
		EXPECT(ret == 0 && num == 0,
		       "iv_loop_end returns %d, and %d remain", ret, num);
	else
		EXPECT(ret == -ETIMEDOUT && num > 0,
		       "the end of a deaf loop returns %d, and %d remain", ret,
		       num);
}

static void run_end_drain(void)
{
	open_loop();
	start_ended(&ended[0], false);
	end_one(&ended[0]);
	look_after(&ended[0], true);
	close_loop();
}

/* With an item that does not return before the time is over. */
static void run_end_late(void)
{
	struct ended *self = &ended[0];
	int num = 0;
	int ret;

	open_loop();
	start_ended(self, true);
	stage("the end of a loop not to come in time");
	ret = iv_loop_end(self->id, IV_LOOP_DRAIN, MS, count_remaining, &num);
	EXPECT((ret == -ETIMEDOUT && num > 0) || !self->has_pool,
	       "iv_loop_end returns %d, and %d remain", ret, num);
	sem_post(&self->may_work);
	look_after(self, false);
	EXPECT(iv_loop_join(self->id, 0) == -ESRCH, "a loop outlives its end");
	close_loop();
}

static void run_end_all(void)
{
	int num_deaf = 0;
	int num = 0;
	int ret;
	int i;

	open_loop();
	for (i = 0; i < NUM_ENDED; i++) {
		start_ended(&ended[i], false);
		num_deaf += ended[i].listens < 0;
	}
	stage("all loops to end");
	ret = iv_loop_end_all(IV_LOOP_CANCEL, num_deaf == 0 ? -1 : 0,
			      count_remaining, &num);
	EXPECT(ret >= num_deaf && (ret > 0) == (num_deaf > 0) && num >= ret,
	       "of %d loops %d remain, by name %d", NUM_ENDED, ret, num);
	for (i = 0; i < NUM_ENDED; i++)
		look_after(&ended[i], false);
	close_loop();
}

const struct scenario end_scenarios[] = {
	{ "stop", "another loop stopped and joined", prepare_nothing,
	  run_stop },
	{ "stop_own", "the own loop stopped before it runs", prepare_nothing,
	  run_stop_own },
	{ "end_drain", "a loop with everything, in order", prepare_nothing,
	  run_end_drain },
	{ "end_late", "the same, not in time", prepare_nothing, run_end_late },
	{ "end_all", "two of them, let go", prepare_nothing, run_end_all },
	{ 0 },
};
