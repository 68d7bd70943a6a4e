/* SPDX-License-Identifier: MIT */
/*
 * pool_thread.c - what a thread of a pool does
 *
 * W1 to W7 and K1 to K4 of pool.h. Each thread opens a loop of its own, so
 * that work functions may register objects; it is turned between items, and
 * slept in while it holds any. While it holds none the thread sleeps on its
 * worker's semaphore, which costs no descriptor.
 */
#include <sched.h>
#include "annotate.h"
#include "pool.h"
#include "registry.h"
#include "semaphore.h"

/* A thread without work ends after this long. */
enum { IDLE_MS = 10000 };

/* A thread with work asks the kernel about its own loop this often. */
enum { LOOK_INTERVAL_NS = 50000 };

/*
 * With objects in its loop but no descriptor left to be called there, a
 * thread sleeps on its semaphore and looks after the loop this often.
 */
enum { NO_KICK_MS = 10 };

static _Thread_local struct iv__pool *pool_of_this_thread;

struct iv__pool *iv__pool_of_this_thread(void)
{
	return pool_of_this_thread;
}

/* A worker of one pool may own another one, and help it. */
void iv__pool_run_as_worker(struct iv__pool *pool, struct iv_work_item *item)
{
	struct iv__pool *outer = pool_of_this_thread;

	pool_of_this_thread = pool;
	item->work(item->cookie);
	pool_of_this_thread = outer;
}

static bool loop_in_use(void)
{
	return iv__self != NULL && iv__self->numobjs > 0;
}

static void got_kick(void *cookie)
{
	struct iv__pool_thread *self = cookie;

	self->kicked = true;
}

/* Make the kick, which by itself must not count as use of the loop. */
static bool have_kick(struct iv__pool_thread *self)
{
	if (self->has_kick)
		return true;

	self->kick.cookie = self;
	self->kick.handler = got_kick;
	if (iv_event_register(&self->kick) < 0)
		return false;

	self->has_kick = true;
	iv__self->numobjs--;

	return true;
}

static void drop_kick(struct iv__pool_thread *self)
{
	if (self->has_kick) {
		iv__self->numobjs++;
		iv_event_unregister(&self->kick);
		self->has_kick = false;
	}
}

/* 0 or -ETIMEDOUT. */
static int wait_for_call(sem_t *call, int timeout_ms)
{
	return iv__sem_wait(call, timeout_ms * INT64_C(1000000));
}

static void take_call(sem_t *call)
{
	iv__sem_wait(call, -1);
}

/* K4 of one in SLEEP. False: nobody called, the worker is dead. */
static bool sleep_on_semaphore(struct iv__pool_thread *self)
{
	struct iv__worker *worker = self->worker;
	int asleep = IV__WORKER_SLEEP;

	while (loop_in_use()) {
		if (wait_for_call(&worker->call, NO_KICK_MS) == 0)
			return true;
		iv__loop_turn(iv__self, 0);
	}

	if (wait_for_call(&worker->call, IDLE_MS) == 0)
		return true;
	if (atomic_compare_exchange_strong(&worker->state, &asleep,
					   IV__WORKER_DEAD))
		return false;

	take_call(&worker->call);

	return true;
}

/* K4 of one in IN_LOOP. Its objects may go before the call comes. */
static bool sleep_in_loop(struct iv__pool_thread *self)
{
	struct iv__worker *worker = self->worker;
	int in_loop = IV__WORKER_IN_LOOP;

	while (!self->kicked && loop_in_use())
		iv__loop_turn(iv__self, -1);

	if (!self->kicked &&
	    atomic_compare_exchange_strong(&worker->state, &in_loop,
					   IV__WORKER_SLEEP)) {
		self->parked = PARKED_ON_SEMAPHORE;
		return sleep_on_semaphore(self);
	}

	while (!self->kicked)
		iv__loop_turn(iv__self, -1);

	return true;
}

/* K1 to K4. False: the thread is to leave; its worker is on the stack. */
static bool park(struct iv__pool_thread *self)
{
	struct iv__worker *worker = self->worker;
	bool in_loop = loop_in_use() && have_kick(self);
	bool called;

	self->kicked = false;
	iv__hb_before(&worker->state);
	atomic_exchange(&worker->state,
			in_loop ? IV__WORKER_IN_LOOP : IV__WORKER_SLEEP);

	if (iv__pool_push_idle(worker, self->searching))
		self->parked = PARKED_DEAD;
	else
		self->parked = in_loop ? PARKED_IN_LOOP : PARKED_ON_SEMAPHORE;
	self->searching = false;
	if (iv__pool_has_work(self->pool))
		iv__pool_wake_one(self->pool);
	if (self->parked == PARKED_DEAD)
		return false;

	called = in_loop ? sleep_in_loop(self) : sleep_on_semaphore(self);
	if (!called) {
		self->parked = PARKED_DEAD;
		return false;
	}

	self->parked = NOT_PARKED;
	self->searching = atomic_load(&worker->state) == IV__WORKER_RUN;

	return true;
}

/* W1 */
static struct iv_work_item *find(struct iv__pool_thread *self, bool *more)
{
	struct iv_work_item *item;

	item = iv__pool_take(self->worker, more);
	if (item != NULL)
		return item;

	if (!self->searching)
		self->searching = iv__pool_start_search(self->pool);
	item = iv__pool_take(self->worker, more);
	if (item != NULL)
		return item;

	return iv__pool_steal(self->worker, more);
}

/*
 * W3 and W4. Also ahead of callbacks that are not work, for which nobody
 * must wait: while SEARCH is set, nobody else is woken.
 */
static void stop_search(struct iv__pool_thread *self, bool more)
{
	if (self->searching) {
		self->searching = false;
		iv__pool_stop_search(self->pool);
		more = more || iv__pool_has_work(self->pool);
	}
	if (more)
		iv__pool_wake_one(self->pool);
}

/* W7 */
static void complete(struct iv__pool *pool, struct iv_work_item *item)
{
	if (iv__pool_push_done(pool, item))
		iv_event_post(&pool->got_done);
}

/* W3 to W7. Without a completion the item is gone when work returns. */
static void
process(struct iv__pool_thread *self, struct iv_work_item *item, bool more)
{
	struct iv__pool *pool = self->pool;
	bool has_completion = item->completion != NULL;

	stop_search(self, more);
	self->item = has_completion ? item : NULL;
	item->work(item->cookie);
	self->item = NULL;
	iv__self->now_valid = false;

	if (!more && atomic_load(&pool->intake) == NULL)
		self->searching = iv__pool_start_search(pool);
	if (has_completion)
		complete(pool, item);
}

/*
 * What is due is run after each item; the kernel, whose answer costs more than
 * many an item, is asked now and then while there is work.
 */
static void look_after_loop(struct iv__pool_thread *self, bool busy)
{
	uint64_t now_ns;

	stop_search(self, false);
	iv__loop_run_due(iv__self);
	if (!loop_in_use())
		return;

	now_ns = iv__clock_ns();
	if (!busy || now_ns - self->looked_ns > LOOK_INTERVAL_NS) {
		self->looked_ns = now_ns;
		iv__loop_turn(iv__self, 0);
	}
}

static void serve(struct iv__pool_thread *self)
{
	for (;;) {
		struct iv_work_item *item = self->kept;
		bool more = false;

		self->kept = NULL;
		if (item == NULL)
			item = find(self, &more);

		if (item != NULL)
			process(self, item, more);
		else if (!park(self))
			break;

		if (loop_in_use())
			look_after_loop(self, item != NULL);
	}
}

/*
 * A thread that ends by pthread_exit() in a callback of its own loop, or is
 * cancelled, while its worker is on the stack. True: the worker stays there,
 * dead. False: it was popped; the call that is coming is waited for.
 */
static bool stay_parked(struct iv__pool_thread *self)
{
	struct iv__worker *worker = self->worker;
	bool in_loop = self->parked == PARKED_IN_LOOP;
	int state = in_loop ? IV__WORKER_IN_LOOP : IV__WORKER_SLEEP;

	if (self->parked == PARKED_DEAD)
		return true;
	if (!self->kicked && atomic_compare_exchange_strong(
				     &worker->state, &state, IV__WORKER_DEAD))
		return true;

	if (!in_loop)
		take_call(&worker->call);
	while (in_loop && !self->kicked && !iv__event_is_posted(&self->kick))
		sched_yield();
	self->searching = atomic_load(&worker->state) == IV__WORKER_RUN;

	return false;
}

/* Put the worker on the stack dead, as K1 and K2 do; it is ours no more. */
static void give_up_worker(struct iv__pool_thread *self)
{
	struct iv__worker *worker = self->worker;

	self->worker = NULL;
	iv__hb_before(&worker->state);
	atomic_exchange(&worker->state, IV__WORKER_DEAD);
	iv__pool_push_idle(worker, self->searching);
}

static void stop(struct iv__pool_thread *self)
{
	if (self->started) {
		self->started = false;
		if (self->pool->thread_stop != NULL)
			self->pool->thread_stop(self->pool->cookie);
	}
}

/* Join the one that left before, so that only the last is left to join. */
static void leave(struct iv__pool *pool)
{
	pthread_t before;
	bool has_before;

	pthread_mutex_lock(&pool->leave_lock);
	has_before = pool->has_left;
	before = pool->last_left;
	pool->has_left = true;
	pool->last_left = pthread_self();
	pthread_mutex_unlock(&pool->leave_lock);

	if (has_before) {
		pthread_join(before, NULL);
		iv__hb_joined();
	}
	iv__pool_count_out(pool);
}

/* Also when a callback has called pthread_exit(), or was cancelled. */
static void wind_up(void *arg)
{
	struct iv__pool_thread *self = arg;
	struct iv__pool *pool = self->pool;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	if (iv__self != NULL)
		iv__loop_unwound(iv__self);

	if (self->item != NULL)
		complete(pool, self->item);
	self->item = NULL;

	if (self->kept != NULL)
		iv__pool_push(pool, self->kept);
	if (self->worker != NULL &&
	    (self->parked == NOT_PARKED || !stay_parked(self))) {
		give_up_worker(self);
		if (iv__pool_has_work(pool))
			iv__pool_wake_one(pool);
	}

	stop(self);
	if (iv__self != NULL) {
		drop_kick(self);
		iv__loop_close(iv__self);
	}
	leave(pool);
}

/* Nobody waits for thread_start: what it keeps from others is one item. */
static void start(struct iv__pool_thread *self)
{
	bool more = false;

	if (self->pool->thread_start != NULL) {
		self->kept = find(self, &more);
		stop_search(self, more);
	}

	self->started = true;
	if (self->pool->thread_start != NULL)
		self->pool->thread_start(self->pool->cookie);
}

static void live(struct iv__pool_thread *self)
{
	struct iv__pool *pool = self->pool;

	/* Another thread would fare no better: it is the owner's turn. */
	if (iv__loop_open() < 0) {
		give_up_worker(self);
		iv__pool_ask_for_help(pool);
		return;
	}

	iv__self->lent = true;
	start(self);
	serve(self);

	/* The thread has left the pool; its own objects are still served. */
	self->worker = NULL;
	stop(self);
	iv_main();
}

static void *run(void *arg)
{
	struct iv__worker *worker = arg;
	struct iv__pool_thread self = {
		.pool = worker->pool,
		.worker = worker,
		.searching = true,
	};

	pool_of_this_thread = worker->pool;
	iv__loop_set_creator(worker->pool->owner->last_id, true);
	worker->thread = &self;

	pthread_cleanup_push(wind_up, &self);
	live(&self);
	pthread_cleanup_pop(1);

	return NULL;
}

int iv__pool_start_thread(struct iv__worker *worker)
{
	struct iv__pool *pool = worker->pool;
	pthread_t thread;
	int ret;

	atomic_fetch_add(&pool->alive, 1);
	iv__hb_creating();
	ret = pthread_create(&thread, NULL, run, worker);
	if (ret != 0)
		iv__pool_count_out(pool);

	return -ret;
}
