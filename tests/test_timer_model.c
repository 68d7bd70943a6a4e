/* SPDX-License-Identifier: MIT */
/*
 * test_timer_model.c - the data structure behind timers, against a model
 *
 * The same queue as an array that is kept in order. Random steps are made on
 * both; what is different is the queue's fault.
 */
#include <string.h>
#include "harness.h"
#include "runtime/timer_queue.h"

#define SECOND UINT64_C(1000000000)
#define YEAR (365 * 24 * 3600 * SECOND)

enum { MAX_TIMERS = 512 };

struct entry {
	uint64_t key_ns;
	size_t timer;
	bool late;
};

static struct iv__timer_queue queue;

static struct model {
	struct iv_timer timers[MAX_TIMERS];
	struct entry entries[MAX_TIMERS]; /* in order of expiry */
	size_t num;
	size_t num_late;
	bool went_back;	   /* no clock should, but who knows */
	size_t num_timers; /* of this run, at most MAX_TIMERS */
	uint64_t now_ns;
	uint64_t random;
	unsigned int seed;
	unsigned int kind; /* of times, see random_delay() */
} model;

static uint64_t random_below(uint64_t limit)
{
	model.random ^= model.random << 13;
	model.random ^= model.random >> 7;
	model.random ^= model.random << 17;

	return model.random % limit;
}

static bool one_in(uint64_t n)
{
	return random_below(n) == 0;
}

static void check(bool ok, const char *what)
{
	if (!ok)
		fail_msg("seed %u: %s", model.seed, what);
}

static uint64_t random_delay(void)
{
	uint64_t bit = UINT64_C(1) << (1 + random_below(59));

	switch (model.kind) {
	case 0: /* all lengths */
		return random_below(bit);
	case 1: /* around boundaries, seen from now */
		return bit + random_below(3) - 1;
	case 2: /* few different ones */
		return random_below(4) * 4096;
	case 3: /* usual timeouts */
		return (1 + random_below(60)) * SECOND;
	case 4: /* dense */
		return random_below(100000);
	default: /* decades */
		return random_below(30 * YEAR);
	}
}

static uint64_t random_time(void)
{
	uint64_t ns = model.now_ns + random_delay();

	/* Sometimes on the wheel's own boundaries; sometimes past. */
	if (one_in(4)) {
		ns = ns >> 12 << 12;
		ns >>= 6 * random_below(6);
	}
	if (one_in(8))
		ns = model.now_ns - random_below(model.now_ns + 1);
	if (one_in(16))
		ns = model.now_ns;

	return ns;
}

static void model_insert(size_t timer)
{
	uint64_t key_ns = random_time();
	size_t at = model.num;

	while (at > 0 && model.entries[at - 1].key_ns > key_ns)
		at--;
	memmove(&model.entries[at + 1], &model.entries[at],
		(model.num - at) * sizeof(*model.entries));
	model.entries[at] = (struct entry){
		.key_ns = key_ns,
		.timer = timer,
		.late = key_ns <= model.now_ns,
	};
	model.num_late += model.entries[at].late;
	model.num++;

	model.timers[timer].expires.tv_sec = (time_t)(key_ns / SECOND);
	model.timers[timer].expires.tv_nsec = (long)(key_ns % SECOND);
	iv__timer_queue_insert(&queue, &model.timers[timer], 0);
}

static void model_forget(size_t at)
{
	model.num--;
	model.num_late -= model.entries[at].late;
	memmove(&model.entries[at], &model.entries[at + 1],
		(model.num - at) * sizeof(*model.entries));
}

/* The entry that pop must take, or num. */
static size_t model_first_due(void)
{
	for (size_t at = 0; at < model.num; at++) {
		if (model.entries[at].key_ns > model.now_ns)
			break;
		if (!model.entries[at].late)
			return at;
	}

	return model.num;
}

/* Insert a timer, or remove it if it is registered. */
static void step_change(void)
{
	size_t timer = random_below(model.num_timers);

	if (model.timers[timer].pprev_ == NULL) {
		model_insert(timer);
		return;
	}

	for (size_t at = 0; at < model.num; at++)
		if (model.entries[at].timer == timer) {
			model_forget(at);
			break;
		}
	iv__timer_queue_remove(&queue, &model.timers[timer]);
	check(model.timers[timer].pprev_ == NULL, "removed, yet registered");
}

static void step_begin(void)
{
	uint64_t due_ns;

	switch (random_below(4)) {
	case 0:
		model.now_ns += random_delay() / 8;
		break;
	case 1:
		model.now_ns += random_below(10000);
		break;
	case 2:
		if (iv__timer_queue_earliest(&queue, &due_ns) &&
		    due_ns > model.now_ns)
			model.now_ns = due_ns;
		break;
	default:
		if (model.seed % 16 == 0) {
			model.now_ns -= random_below(model.now_ns / 2 + 1);
			model.went_back = true;
		}
		break;
	}

	iv__timer_queue_begin(&queue, model.now_ns);
	for (size_t at = 0; at < model.num; at++)
		model.entries[at].late = false;
	model.num_late = 0;
}

/* Where a handler would run. An inner pass ends before the outer goes on. */
static void step_pass(int depth)
{
	struct iv_timer *timer;
	size_t at;

	step_begin();
	for (;;) {
		at = model_first_due();
		timer = iv__timer_queue_pop(&queue);
		if (at == model.num) {
			check(timer == NULL, "popped what is not due");
			return;
		}
		check(timer == &model.timers[model.entries[at].timer],
		      "popped another timer than the first one");
		check(timer->pprev_ == NULL, "popped, yet registered");
		model_forget(at);

		for (uint64_t n = random_below(3); n > 0; n--)
			step_change();
		if (depth < 2 && one_in(32))
			step_pass(depth + 1);
	}
}

static void check_earliest(void)
{
	uint64_t due_ns;

	if (!iv__timer_queue_earliest(&queue, &due_ns)) {
		check(model.num == 0, "timers, but no earliest");
		return;
	}
	check(model.num > 0, "an earliest, but no timers");
	check(due_ns <= model.entries[0].key_ns, "earliest is too late");
	check(model.num_late > 0 || due_ns > model.now_ns,
	      "earliest would have the loop spin");
	check(queue.wheel == NULL || model.went_back ||
		      queue.cur <= model.now_ns >> 12,
	      "the wheel is ahead of the clock");
}

static void run_model(unsigned int seed, int steps)
{
	memset(&model, 0, sizeof(model));
	model.seed = seed;
	model.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	model.kind = seed % 6;
	model.num_timers = one_in(3) ? 40 : MAX_TIMERS;
	model.now_ns = random_below(UINT64_C(1) << random_below(62));
	iv__timer_queue_init(&queue);
	iv__timer_queue_begin(&queue, model.now_ns);

	while (steps-- > 0) {
		step_change();
		if (one_in(64)) {
			step_pass(0);
			check_earliest();
		}
	}

	while (model.num > 0) {
		model_forget(model.num - 1);
		iv__timer_queue_remove(
			&queue, &model.timers[model.entries[model.num].timer]);
	}
	check_earliest();
	iv__timer_queue_destroy(&queue);
}

static void random_steps_agree_with_a_model(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 300; seed++)
		run_model(seed, scaled(10000));
}

static const struct test_case cases[] = {
	TEST(random_steps_agree_with_a_model),
};

TEST_MAIN(cases)
