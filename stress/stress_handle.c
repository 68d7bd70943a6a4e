/* SPDX-License-Identifier: MIT */
/*
 * stress_handle.c - posts by handle to events that come and go
 *
 * Two acts, through both of which a profiling timer's signal handler posts, in
 * whichever thread it hits. `steady`: every poster posts to a few events that
 * stay; each one's last payload must be seen. `churn`: owners register, free
 * and unregister, and their loops open, sleep and end, with posts pending;
 * posters take what they find, alive or dead or made up: no handler may be
 * called for an event that is not registered, what is known to be dead must
 * be refused, and each call has a post that was not.
 *
 * Ten million posts to events that come and go:
 *
 *	build/stress/stress_handle --count 2500000 --threads 4 --timeout 3000
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <iv.h>
#include <iv_event_handle.h>
#include "stress.h"

static uint64_t total_posted, total_refused, total_handled;

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	STRESS_CHECK(memory != NULL, "out of memory");

	return memory;
}

static iv_event_handle must_open(struct iv_event *event)
{
	iv_event_handle handle;

	STRESS_CHECK(iv_event_register(event) == 0,
		     "iv_event_register was refused");
	handle = iv_event_handle_of(event);
	STRESS_CHECK(handle != 0, "iv_event_handle_of was refused");

	return handle;
}

static bool post(iv_event_handle handle)
{
	int ret = iv_event_handle_post(handle);

	STRESS_CHECK(ret == 0 || ret == -ENOENT, "a post returned %d", ret);

	return ret == 0;
}

static void must_be_dead(iv_event_handle handle)
{
	STRESS_CHECK(!post(handle), "an unregistered event took a post");
}

/* Handles for everybody ***************************************************/

enum { NUM_PLACES = 32 };

/* What was alive when it was put here, and what was dead. */
static _Atomic(iv_event_handle) board[NUM_PLACES];
static _Atomic(iv_event_handle) graveyard[NUM_PLACES];

static void put(_Atomic(iv_event_handle) *place, iv_event_handle handle)
{
	atomic_exchange(place, handle);
}

static void bury(iv_event_handle handle)
{
	static atomic_uint next;

	must_be_dead(handle);
	put(&graveyard[atomic_fetch_add(&next, 1) % NUM_PLACES], handle);
}

static void clear_board(void)
{
	unsigned int i;

	for (i = 0; i < NUM_PLACES; i++)
		put(&board[i], 0);
}

/* Signals *****************************************************************/

static atomic_uint signals;
static _Atomic(uint64_t) signals_posted;

static void post_in_handler(int signum)
{
	unsigned int i = atomic_fetch_add(&signals, 1);

	(void)signum;
	if (iv_event_handle_post(atomic_load(&board[i % NUM_PLACES])) == 0)
		atomic_fetch_add(&signals_posted, 1);
}

/* Of the processor time of all threads: the busy ones are hit. */
static void send_signals(long interval_us)
{
	const struct itimerval interval = {
		.it_interval = { .tv_usec = interval_us },
		.it_value = { .tv_usec = interval_us },
	};
	struct sigaction action = {
		.sa_handler = post_in_handler,
		.sa_flags = SA_RESTART,
	};

	STRESS_CHECK(sigaction(SIGPROF, &action, NULL) == 0 &&
			     setitimer(ITIMER_PROF, &interval, NULL) == 0,
		     "setitimer: %s", strerror(errno));
}

/* Steady ******************************************************************/

enum { NUM_SHARED = 4, OWNER = STRESS_MAX_THREADS };

struct shared_event {
	struct iv_event event;
	iv_event_handle handle;
	atomic_uint posted[STRESS_MAX_THREADS + 1];
	unsigned int seen[STRESS_MAX_THREADS + 1];
};

struct steady_poster {
	struct iv_event done;
	iv_event_handle done_handle;
	pthread_t thread;
	unsigned int index;
	unsigned int posted[NUM_SHARED]; /* handed over by `done` */
};

static struct steady {
	struct shared_event shared[NUM_SHARED];
	struct steady_poster poster[STRESS_MAX_THREADS];
	struct iv_event never;
	iv_event_handle never_handle;
	struct iv_task own_posts;
	struct stress_rng rng;
	unsigned int own_left;
	unsigned int own_posted[NUM_SHARED];
	unsigned int posters_left;
	uint64_t handled;
	bool over;
} steady;

static void
post_shared(struct stress_rng *rng, unsigned int who, unsigned int *posted)
{
	unsigned int i = stress_random(rng, NUM_SHARED);
	struct shared_event *shared = &steady.shared[i];

	posted[i]++;
	atomic_exchange_explicit(&shared->posted[who], posted[i],
				 memory_order_relaxed);
	STRESS_CHECK(post(shared->handle), "a registered event took no post");
}

static bool all_seen(void)
{
	unsigned int i;
	unsigned int who;

	if (steady.posters_left > 0 || steady.own_left > 0)
		return false;

	for (i = 0; i < NUM_SHARED; i++) {
		struct shared_event *shared = &steady.shared[i];

		if (shared->seen[OWNER] != steady.own_posted[i])
			return false;
		for (who = 0; who < stress_options.threads; who++)
			if (shared->seen[who] != steady.poster[who].posted[i])
				return false;
	}

	return true;
}

static void end_steady_when_over(void)
{
	unsigned int i;

	if (steady.over || !all_seen())
		return;

	steady.over = true;
	for (i = 0; i < NUM_SHARED; i++) {
		iv_event_unregister(&steady.shared[i].event);
		bury(steady.shared[i].handle);
	}
	iv_event_unregister(&steady.never);
}

static void look(struct shared_event *shared, unsigned int who)
{
	unsigned int now = atomic_load_explicit(&shared->posted[who],
						memory_order_relaxed);

	STRESS_CHECK(now >= shared->seen[who],
		     "a payload went back from %u to %u", shared->seen[who],
		     now);
	shared->seen[who] = now;
}

static void got_shared(void *cookie)
{
	unsigned int who;

	STRESS_CHECK(!steady.over, "the handler of an unregistered event was "
				   "called");
	steady.handled++;
	for (who = 0; who < stress_options.threads; who++)
		look(cookie, who);
	look(cookie, OWNER);
	end_steady_when_over();
}

static void got_steady_done(void *cookie)
{
	struct steady_poster *poster = cookie;

	steady.posters_left--;
	iv_event_unregister(&poster->done);
	must_be_dead(poster->done_handle);
	end_steady_when_over();
}

static void got_never(void *cookie)
{
	(void)cookie;
	stress_fail("the handler of an unregistered event was called");
}

/* Own posts between the foreign ones; some that are taken back. */
static void post_own(void *cookie)
{
	(void)cookie;
	steady.own_left--;
	post_shared(&steady.rng, OWNER, steady.own_posted);
	if (stress_chance(&steady.rng, 20)) {
		post(steady.never_handle);
		iv_event_unregister(&steady.never);
		bury(steady.never_handle);
		steady.never_handle = must_open(&steady.never);
	}

	if (steady.own_left > 0)
		iv_task_register(&steady.own_posts);
	else
		end_steady_when_over();
}

static void *run_steady_poster(void *arg)
{
	struct steady_poster *poster = arg;
	unsigned int left = stress_options.count;
	struct stress_rng rng;

	stress_rng_init(&rng, poster->index);
	while (left-- > 0) {
		stress_jitter(&rng);
		post_shared(&rng, poster->index, poster->posted);
	}
	STRESS_CHECK(post(poster->done_handle),
		     "a registered event took no post");

	return NULL;
}

static void open_steady(void)
{
	unsigned int i;

	stress_rng_init(&steady.rng, OWNER);
	for (i = 0; i < NUM_SHARED; i++) {
		struct shared_event *shared = &steady.shared[i];

		shared->event.cookie = shared;
		shared->event.handler = got_shared;
		shared->handle = must_open(&shared->event);
		put(&board[i], shared->handle);
	}
	steady.never.handler = got_never;
	steady.never_handle = must_open(&steady.never);

	IV_TASK_INIT(&steady.own_posts);
	steady.own_posts.handler = post_own;
	steady.own_left = stress_options.count;
	iv_task_register(&steady.own_posts);
}

static void start_steady_posters(void)
{
	unsigned int i;

	steady.posters_left = stress_options.threads;
	for (i = 0; i < stress_options.threads; i++) {
		struct steady_poster *poster = &steady.poster[i];

		poster->index = i;
		poster->done.cookie = poster;
		poster->done.handler = got_steady_done;
		poster->done_handle = must_open(&poster->done);
		poster->thread = stress_spawn(run_steady_poster, poster);
	}
}

static void run_steady(void)
{
	unsigned int i;

	stress_stage("waiting for the last payload of a shared event");
	iv_init();
	open_steady();
	start_steady_posters();
	iv_main();
	iv_deinit();

	STRESS_CHECK(steady.over, "iv_main ended with events registered");
	for (i = 0; i < stress_options.threads; i++)
		stress_join(steady.poster[i].thread);
	total_posted +=
		(stress_options.threads + 1) * (uint64_t)stress_options.count;
	total_handled += steady.handled;
	clear_board();
}

/* Churn *******************************************************************/

enum { NUM_OWNERS = 3, NUM_CELLS = 8, MAX_STEPS = 400 };

/* One registration, in memory that is freed with it. */
struct cell {
	struct iv_event event;
	struct life *life;
	iv_event_handle handle;
	unsigned int index;
	bool registered;
};

struct life {
	struct owner *owner;
	struct stress_rng rng;
	struct iv_task task;
	struct iv_timer timer;
	struct cell *cell[NUM_CELLS];
	unsigned int steps_left;
};

struct owner {
	pthread_t thread;
	unsigned int index;
	unsigned int lives;
	unsigned int registered;
	uint64_t posted, handled;
};

struct churn_poster {
	pthread_t thread;
	unsigned int index;
	uint64_t posted, refused;
};

static struct owner owner[NUM_OWNERS];
static struct churn_poster churn_poster[STRESS_MAX_THREADS];
static atomic_bool churn_is_over;

static void open_cell(struct life *life, unsigned int index);

static void close_cell(struct cell *cell)
{
	iv_event_handle handle = cell->handle;

	iv_event_unregister(&cell->event);
	cell->life->cell[cell->index] = NULL;
	cell->registered = false;
	memset(cell, 0xdb, sizeof(*cell));
	free(cell);
	bury(handle);
}

static void post_own_cell(struct cell *cell)
{
	STRESS_CHECK(post(cell->handle), "a registered event took no post");
	cell->life->owner->posted++;
}

static void got_cell(void *cookie)
{
	struct cell *cell = cookie;
	struct life *life = cell->life;
	unsigned int index = cell->index;

	STRESS_CHECK(cell->registered && life->cell[index] == cell,
		     "the handler of an unregistered event was called");
	life->owner->handled++;
	stress_jitter(&life->rng);
	if (stress_chance(&life->rng, 10))
		post_own_cell(cell);
	if (stress_chance(&life->rng, 40))
		close_cell(cell);
	if (life->cell[index] == NULL && stress_chance(&life->rng, 50))
		open_cell(life, index);
}

static void open_cell(struct life *life, unsigned int index)
{
	struct cell *cell = allocate(sizeof(*cell));
	unsigned int place = (life->owner->index * NUM_CELLS + index);

	cell->life = life;
	cell->index = index;
	cell->event.cookie = cell;
	cell->event.handler = got_cell;
	cell->handle = must_open(&cell->event);
	cell->registered = true;
	life->cell[index] = cell;
	life->owner->registered++;
	put(&board[place % NUM_PLACES], cell->handle);
}

static void go_on(struct life *life)
{
	if (stress_chance(&life->rng, 60)) {
		iv_task_register(&life->task);
		return;
	}

	/* Long enough to fall asleep. */
	life->timer.expires = iv_now;
	life->timer.expires.tv_nsec += stress_random(&life->rng, 100000);
	if (life->timer.expires.tv_nsec >= 1000000000L) {
		life->timer.expires.tv_nsec -= 1000000000L;
		life->timer.expires.tv_sec++;
	}
	iv_timer_register(&life->timer);
}

static void take_step(void *cookie)
{
	struct life *life = cookie;
	unsigned int index = stress_random(&life->rng, NUM_CELLS);

	stress_jitter(&life->rng);
	if (life->cell[index] == NULL)
		open_cell(life, index);
	else if (stress_chance(&life->rng, 30))
		post_own_cell(life->cell[index]);
	else
		close_cell(life->cell[index]);

	if (life->steps_left-- == 0)
		iv_quit();
	else
		go_on(life);
}

/* By unregistering all, or some, or by the end of the thread alone. */
static void *live(void *arg)
{
	struct life *life = arg;
	unsigned int percent = stress_random(&life->rng, 3) * 50;
	unsigned int i;

	iv_init();
	IV_TASK_INIT(&life->task);
	life->task.cookie = life;
	life->task.handler = take_step;
	iv_task_register(&life->task);
	IV_TIMER_INIT(&life->timer);
	life->timer.cookie = life;
	life->timer.handler = take_step;
	iv_main();

	for (i = 0; i < NUM_CELLS; i++)
		if (life->cell[i] != NULL && stress_chance(&life->rng, percent))
			close_cell(life->cell[i]);
	if (stress_chance(&life->rng, 75))
		iv_deinit();

	return NULL;
}

static void bury_what_is_left(struct life *life)
{
	unsigned int i;

	for (i = 0; i < NUM_CELLS; i++) {
		struct cell *cell = life->cell[i];

		if (cell == NULL)
			continue;
		bury(cell->handle);
		memset(cell, 0xdb, sizeof(*cell));
		free(cell);
	}
}

static void *run_owner(void *arg)
{
	struct owner *self = arg;
	struct stress_rng rng;

	stress_rng_init(&rng, 2000 + self->index);
	while (!atomic_load(&churn_is_over)) {
		struct life *life = allocate(sizeof(*life));

		self->lives++;
		life->owner = self;
		life->steps_left = stress_random(&rng, MAX_STEPS);
		stress_rng_init(&life->rng, stress_random(&rng, UINT32_MAX));
		stress_join(stress_spawn(live, life));
		bury_what_is_left(life);
		free(life);
	}

	return NULL;
}

/* As a confused program has it; the first guesses what the next will be. */
static iv_event_handle forge(struct stress_rng *rng, iv_event_handle handle)
{
	if (stress_chance(rng, 50))
		return handle + ((uint64_t)1 << 32);

	return (handle ^ (uint64_t)1 << (32 + stress_random(rng, 32))) +
	       ((uint64_t)stress_random(rng, 1 << 30) << 33);
}

static void post_something(struct churn_poster *self, struct stress_rng *rng)
{
	unsigned int place = stress_random(rng, NUM_PLACES);
	iv_event_handle handle = atomic_load(&board[place]);
	unsigned int choice = stress_random(rng, 100);

	if (choice < 10)
		must_be_dead(atomic_load(&graveyard[place]));
	else if (choice < 20)
		handle = forge(rng, handle);
	else if (choice < 21)
		raise(SIGPROF);

	if (post(handle))
		self->posted++;
	else
		self->refused++;
}

static void *run_churn_poster(void *arg)
{
	struct churn_poster *self = arg;
	unsigned int left = stress_options.count;
	struct stress_rng rng;

	stress_rng_init(&rng, 3000 + self->index);
	while (left-- > 0) {
		stress_jitter(&rng);
		post_something(self, &rng);
	}

	return NULL;
}

static void end_churn(void)
{
	unsigned int i;

	for (i = 0; i < stress_options.threads; i++) {
		stress_join(churn_poster[i].thread);
		total_posted += churn_poster[i].posted;
		total_refused += churn_poster[i].refused;
	}
	atomic_store(&churn_is_over, true);
	for (i = 0; i < NUM_OWNERS; i++)
		stress_join(owner[i].thread);
	for (i = 0; i < NUM_PLACES; i++) {
		must_be_dead(atomic_load(&board[i]));
		must_be_dead(atomic_load(&graveyard[i]));
	}
}

static void run_churn(void)
{
	unsigned int i;

	stress_stage("posting to events that come and go");
	for (i = 0; i < NUM_OWNERS; i++) {
		owner[i].index = i;
		owner[i].thread = stress_spawn(run_owner, &owner[i]);
	}
	for (i = 0; i < stress_options.threads; i++) {
		churn_poster[i].index = i;
		churn_poster[i].thread =
			stress_spawn(run_churn_poster, &churn_poster[i]);
	}
	end_churn();
}

int main(int argc, char **argv)
{
	unsigned int lives = 0;
	unsigned int registered = 0;
	unsigned int i;

	stress_begin(argc, argv, "stress_handle",
		     "Posts by handle to events that stay, go and are gone; "
		     "--count is posts a thread.",
		     5000, 4);
	send_signals(10000);
	run_steady();
	run_churn();
	send_signals(0);
	stress_end();

	for (i = 0; i < NUM_OWNERS; i++) {
		lives += owner[i].lives;
		registered += owner[i].registered;
		total_posted += owner[i].posted;
		total_handled += owner[i].handled;
	}
	total_posted += atomic_load(&signals_posted);
	STRESS_CHECK(total_handled <= total_posted,
		     "%" PRIu64 " posts were handled %" PRIu64 " times",
		     total_posted, total_handled);
	printf("stress_handle: %" PRIu64 " posted, %" PRIu64
	       " of them by signals, %" PRIu64 " refused, %" PRIu64
	       " handled; %u registrations in %u loops\n",
	       total_posted, atomic_load(&signals_posted), total_refused,
	       total_handled, registered, lives);

	return 0;
}
