/* SPDX-License-Identifier: MIT */
/*
 * test_timer_queue.c - the data structure behind timers, case by case
 *
 * With test_timer_queue_memory.c and test_timer_model.c the only tests that
 * look behind the public interface: time is a number here, so that decades
 * pass in a moment.
 */
#include <limits.h>
#include "timer_queue_bed.h"

static void an_empty_queue_has_nothing(void **state)
{
	(void)state;
	iv__timer_queue_init(&queue);
	close_queue();
}

static void a_timer_is_due_at_its_time_not_before(void **state)
{
	struct iv_timer timer;
	uint64_t due_ns = 0;

	(void)state;
	iv__timer_queue_init(&queue);
	insert_at(&timer, 5 * SECOND);
	assert_true(iv__timer_queue_earliest(&queue, &due_ns));
	assert_int_equal(due_ns, 5 * SECOND);

	assert_pass(5 * SECOND - 1, NULL, 0);
	assert_pass(5 * SECOND, &timer, 1);
	assert_null(timer.pprev_);
	close_queue();
}

static void equal_times_expire_in_order_of_registration(void **state)
{
	enum { NUM = 1000 };
	struct iv_timer *timers = new_timers(NUM);

	(void)state;
	iv__timer_queue_init(&queue);
	for (int i = 0; i < NUM; i++)
		insert_at(&timers[i], 7 * SECOND);
	assert_pass(8 * SECOND, timers, NUM);

	/* As past ones. */
	for (int i = 0; i < NUM; i++)
		insert_at(&timers[i], 7 * SECOND);
	assert_pass(8 * SECOND, timers, NUM);

	/* Two times in turn, which is what no list can have in order. */
	for (int i = 0; i < NUM / 2; i++) {
		insert_at(&timers[i], 3 * SECOND);
		insert_at(&timers[NUM / 2 + i], 4 * SECOND);
	}
	assert_pass(8 * SECOND, timers, NUM);

	close_queue();
	free(timers);
}

static void order_survives_the_end_of_the_sequence(void **state)
{
	enum { NUM = 100 };
	struct iv_timer *timers = new_timers(NUM);

	(void)state;
	iv__timer_queue_init(&queue);
	queue.seq = IV__TIMER_SEQ_MASK - NUM / 2;
	for (int i = 0; i < NUM; i++)
		insert_at(&timers[i], 7 * SECOND);
	for (int i = 0; i < NUM; i++)
		assert_int_equal(timers[i].seq_ & ~IV__TIMER_SEQ_MASK,
				 IV__TIMER_TAG(TAG));
	assert_pass(8 * SECOND, timers, NUM);

	close_queue();
	free(timers);
}

/* Each side of every boundary of the wheel, seen from several places. */
static void times_around_the_wheels_boundaries_expire_in_order(void **state)
{
	static const uint64_t start[] = {
		0,	  1,	     4095,	    4096,    SECOND,
		YEAR - 1, 63 * 4096, 64 * 4096 - 1, 1 << 30, 30 * YEAR,
	};
	struct iv_timer *timers = new_timers(64 * 3);

	(void)state;
	for (size_t s = 0; s < sizeof(start) / sizeof(*start); s++) {
		size_t num = 0;

		iv__timer_queue_init(&queue);
		iv__timer_queue_begin(&queue, start[s]);
		for (int bit = 2; bit < 63; bit++)
			for (int i = -1; i <= 1; i++)
				insert_at(&timers[num++],
					  start[s] + (UINT64_C(1) << bit) +
						  (uint64_t)i);

		for (size_t i = 0; i < num; i++) {
			uint64_t due_ns = start[s] +
					  (UINT64_C(1) << (i / 3 + 2)) + i % 3 -
					  1;

			assert_pass(due_ns - 1, NULL, 0);
			assert_pass(due_ns, &timers[i], 1);
		}
		close_queue();
	}
	free(timers);
}

static void odd_times_are_put_in_their_place(void **state)
{
	static const struct timespec in_order[] = {
		{ LONG_MIN, LONG_MIN },
		{ LONG_MIN, 0 },
		{ -1, 0 },
		{ -1, 999999999 },
		{ 0, -1 },
		{ 0, 0 },
		{ -5, 5000000001 },
		{ 1, -999999998 },
		{ 0, 999999999 },
		{ 0, 1000000000 },
		{ 0, 5000000000 },
		{ 7, -1 },
		{ 7, 0 },
		{ (INT64_C(1) << 34) - 1, 999999999 },
		{ INT64_C(1) << 34, 0 },
		{ (INT64_C(1) << 34) + 1, 0 },
		{ LONG_MAX, 999999999 },
		{ LONG_MAX, LONG_MAX },
	};
	enum { NUM = sizeof(in_order) / sizeof(*in_order) };
	struct iv_timer timers[NUM];

	(void)state;
	iv__timer_queue_init(&queue);
	for (int i = 0; i < NUM; i++) {
		timers[i].expires = in_order[i];
		iv__timer_queue_insert(&queue, &timers[i], TAG);
	}

	assert_pass(0, timers, 6);
	assert_pass(1, timers + 6, 1);
	assert_pass(2, timers + 7, 1);
	assert_pass(100 * SECOND, timers + 8, 5);
	assert_pass(500 * YEAR, NULL, 0);
	assert_pass(UINT64_MAX, timers + 13, 5);
	close_queue();
}

static void a_past_time_waits_for_the_next_pass(void **state)
{
	struct iv_timer timers[3];
	uint64_t due_ns = 0;

	(void)state;
	iv__timer_queue_init(&queue);
	insert_at(&timers[0], SECOND);
	iv__timer_queue_begin(&queue, 2 * SECOND);
	assert_ptr_equal(iv__timer_queue_pop(&queue), &timers[0]);

	insert_at(&timers[0], 0);
	insert_at(&timers[1], SECOND);
	insert_at(&timers[2], 2 * SECOND);
	assert_null(iv__timer_queue_pop(&queue));
	assert_true(iv__timer_queue_earliest(&queue, &due_ns));
	assert_true(due_ns <= 2 * SECOND);

	/* Removing the last and the first leaves the others whole. */
	iv__timer_queue_remove(&queue, &timers[2]);
	insert_at(&timers[2], 2 * SECOND);
	iv__timer_queue_remove(&queue, &timers[0]);
	assert_pass(2 * SECOND, timers + 1, 2);
	close_queue();
}

static void an_inner_pass_takes_what_the_outer_one_has_left(void **state)
{
	struct iv_timer timers[4];

	(void)state;
	iv__timer_queue_init(&queue);
	for (int i = 0; i < 3; i++)
		insert_at(&timers[i], SECOND + (uint64_t)i);
	iv__timer_queue_begin(&queue, 2 * SECOND);
	assert_ptr_equal(iv__timer_queue_pop(&queue), &timers[0]);
	insert_at(&timers[3], 2 * SECOND);
	insert_at(&timers[0], 3 * SECOND);

	/* Inside its handler: what was late is due now. */
	iv__timer_queue_begin(&queue, 2 * SECOND);
	assert_ptr_equal(iv__timer_queue_pop(&queue), &timers[1]);
	assert_ptr_equal(iv__timer_queue_pop(&queue), &timers[2]);
	assert_ptr_equal(iv__timer_queue_pop(&queue), &timers[3]);
	assert_null(iv__timer_queue_pop(&queue));
	insert_at(&timers[1], SECOND);

	/* Back in the outer one. */
	assert_null(iv__timer_queue_pop(&queue));
	assert_pass(2 * SECOND, &timers[1], 1);
	assert_pass(3 * SECOND, &timers[0], 1);
	close_queue();
}

/* Following earliest() must arrive, by few looks in vain. */
static void cancelled_timers_cost_few_looks_in_vain(void **state)
{
	enum { NUM = 4096 };
	struct iv_timer *timers = new_timers(NUM);
	unsigned int looks = 0;
	uint64_t now_ns = 12345 * SECOND;

	(void)state;
	iv__timer_queue_init(&queue);
	iv__timer_queue_begin(&queue, now_ns);
	for (size_t i = 0; i < NUM; i++)
		insert_at(&timers[i], now_ns + (i + 1) * SECOND / 7);
	for (size_t i = 0; i < NUM - 1; i++)
		iv__timer_queue_remove(&queue, &timers[i]);

	while (timers[NUM - 1].pprev_ != NULL) {
		assert_true(iv__timer_queue_earliest(&queue, &now_ns));
		iv__timer_queue_begin(&queue, now_ns);
		iv__timer_queue_pop(&queue);
		looks++;
	}
	assert_true(looks <= 10);
	assert_true(now_ns == 12345 * SECOND + NUM * SECOND / 7);

	close_queue();
	free(timers);
}

static void a_clock_that_goes_back_delays_and_loses_nothing(void **state)
{
	enum { NUM = 100 };
	struct iv_timer *timers = new_timers(NUM + 1);

	(void)state;
	iv__timer_queue_init(&queue);
	assert_pass(1000 * SECOND, NULL, 0);
	for (size_t i = 1; i <= NUM; i++)
		insert_at(&timers[i], 1000 * SECOND + 100000 + i);
	assert_pass(1000 * SECOND + 1, NULL, 0);

	assert_pass(1 * SECOND, NULL, 0);
	insert_at(&timers[0], 5 * SECOND);
	assert_pass(6 * SECOND, timers, 1);
	assert_pass(1002 * SECOND, timers + 1, NUM);
	close_queue();
	free(timers);
}

static const struct test_case cases[] = {
	TEST(an_empty_queue_has_nothing),
	TEST(a_timer_is_due_at_its_time_not_before),
	TEST(equal_times_expire_in_order_of_registration),
	TEST(order_survives_the_end_of_the_sequence),
	TEST(times_around_the_wheels_boundaries_expire_in_order),
	TEST(odd_times_are_put_in_their_place),
	TEST(a_past_time_waits_for_the_next_pass),
	TEST(an_inner_pass_takes_what_the_outer_one_has_left),
	TEST(cancelled_timers_cost_few_looks_in_vain),
	TEST(a_clock_that_goes_back_delays_and_loses_nothing),
};

TEST_MAIN(cases)
