/* SPDX-License-Identifier: MIT */
/*
 * stress_handle_churn.c - events that come and go, and loops with them
 *
 * Owners register, free and unregister events, and their loops open, sleep and
 * end, with posts pending; posters take what they find, alive or dead or made
 * up.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "stress_handle.h"

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
	struct stress_tally tally;
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
	handle_bury(handle);
}

static void post_own_cell(struct cell *cell)
{
	handle_must_take(cell->handle);
	cell->life->owner->tally.posted++;
}

static void got_cell(void *cookie)
{
	struct cell *cell = cookie;
	struct life *life = cell->life;
	unsigned int index = cell->index;

	STRESS_CHECK(cell->registered && life->cell[index] == cell,
		     "the handler of an unregistered event was called");
	life->owner->tally.handled++;
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
	struct cell *cell = stress_allocate(sizeof(*cell));
	unsigned int place = life->owner->index * NUM_CELLS + index;

	cell->life = life;
	cell->index = index;
	cell->event.cookie = cell;
	cell->event.handler = got_cell;
	cell->handle = handle_open(&cell->event);
	cell->registered = true;
	life->cell[index] = cell;
	life->owner->registered++;
	handle_show(place, cell->handle);
}

static void go_on(struct life *life)
{
	if (stress_chance(&life->rng, 60)) {
		iv_task_register(&life->task);
		return;
	}

	/* Long enough to fall asleep. */
	stress_start_timer(&life->timer, stress_random(&life->rng, 100000));
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
		handle_bury(cell->handle);
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
		struct life *life = stress_allocate(sizeof(*life));

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
	unsigned int place = stress_random(rng, HANDLE_PLACES);
	iv_event_handle handle = handle_shown(place);
	unsigned int choice = stress_random(rng, 100);

	if (choice < 10)
		handle_must_be_dead(handle_buried(place));
	else if (choice < 20)
		handle = forge(rng, handle);
	else if (choice < 21)
		raise(SIGPROF);

	if (handle_post(handle))
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

static void start_churn(void)
{
	unsigned int i;

	for (i = 0; i < NUM_OWNERS; i++) {
		owner[i].index = i;
		owner[i].thread = stress_spawn(run_owner, &owner[i]);
	}
	for (i = 0; i < stress_options.threads; i++) {
		churn_poster[i].index = i;
		churn_poster[i].thread =
			stress_spawn(run_churn_poster, &churn_poster[i]);
	}
}

static void end_churn(struct handle_churn *total)
{
	unsigned int i;

	for (i = 0; i < stress_options.threads; i++) {
		stress_join(churn_poster[i].thread);
		total->tally.posted += churn_poster[i].posted;
		total->refused += churn_poster[i].refused;
	}
	atomic_store(&churn_is_over, true);
	for (i = 0; i < NUM_OWNERS; i++) {
		stress_join(owner[i].thread);
		stress_tally_add(&total->tally, owner[i].tally);
		total->registered += owner[i].registered;
		total->lives += owner[i].lives;
	}
	for (i = 0; i < HANDLE_PLACES; i++) {
		handle_must_be_dead(handle_shown(i));
		handle_must_be_dead(handle_buried(i));
	}
}

struct handle_churn handle_churn_run(void)
{
	struct handle_churn total = { .refused = 0 };

	stress_stage("posting to events that come and go");
	start_churn();
	end_churn(&total);

	return total;
}
