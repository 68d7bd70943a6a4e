/* SPDX-License-Identifier: MIT */
/*
 * test_timer_queue_memory.c - timers without memory, and on a small stack
 */
#include <sys/resource.h>
#include "timer_queue_bed.h"

/* Memory *****************************************************************/

/* Take all memory that a wheel could be made of; a chain of blocks. */
static void **take_all_memory(void)
{
	struct rlimit limit;
	void **blocks = NULL;
	void **block;

	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	for (size_t size = 1 << 20; size > 1024; size /= 2)
		while ((block = malloc(size)) != NULL) {
			*block = blocks;
			blocks = block;
		}

	return blocks;
}

static void give_back(void **blocks)
{
	struct rlimit limit;

	getrlimit(RLIMIT_AS, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_AS, &limit);
	while (blocks != NULL) {
		void **next = *blocks;

		free(blocks);
		blocks = next;
	}
}

static void refused_memory_slows_down_and_no_more(void **state)
{
	enum { NUM = 50000 };
	struct iv_timer *timers = new_timers(NUM);
	void **blocks = NULL;

	(void)state;
	iv__timer_queue_init(&queue);

	/* The tools need memory themselves: there, as after a refusal. */
	if (under_a_tool())
		queue.wheel_wait = NUM;
	else
		blocks = take_all_memory();
	for (int i = 0; i < NUM; i++)
		insert_at(&timers[i], SECOND + (uint64_t)(i / 3));
	give_back(blocks);

	assert_null(queue.wheel);
	assert_true(queue.wheel_wait > 0);
	assert_pass(2 * SECOND, timers, NUM);
	close_queue();
	free(timers);
}

static void few_timers_at_a_time_need_no_memory(void **state)
{
	struct iv_timer timer;

	(void)state;
	iv__timer_queue_init(&queue);
	for (uint64_t i = 0; i < 1000; i++) {
		insert_at(&timer, i);
		if (i % 2)
			assert_pass(i, &timer, 1);
		else
			iv__timer_queue_remove(&queue, &timer);
	}
	assert_null(queue.wheel);
	close_queue();
}

static void memory_that_comes_back_takes_over_all_timers(void **state)
{
	enum { NUM = 20000 };
	struct iv_timer *timers = new_timers(NUM);
	uint64_t ns;

	(void)state;
	iv__timer_queue_init(&queue);
	iv__timer_queue_begin(&queue, 99 * SECOND);
	queue.wheel_wait = NUM / 2;
	for (int i = 0; i < NUM; i++) {
		ns = 100 * SECOND;
		ns += (uint64_t)(i * 7919 % NUM) * SECOND / 17;
		insert_at(&timers[i], ns);
		if (i == NUM / 3)
			assert_null(queue.wheel);
	}
	assert_non_null(queue.wheel);

	iv__timer_queue_begin(&queue, 100 * SECOND + NUM * SECOND / 17);
	for (int n = 0, i = 0; n < NUM; n++) {
		struct iv_timer *timer = iv__timer_queue_pop(&queue);

		assert_non_null(timer);
		i = (int)(timer - timers);
		assert_int_equal(i * 7919 % NUM, n);
	}
	close_queue();
	free(timers);
}

static void closing_touches_no_timer(void **state)
{
	enum { NUM = 100 };
	struct iv_timer *timers = new_timers(NUM);

	(void)state;
	iv__timer_queue_init(&queue);
	for (size_t i = 0; i < NUM; i++)
		insert_at(&timers[i], i * SECOND);
	free(timers);
	iv__timer_queue_destroy(&queue);
	assert_empty();
}

/* Stack ******************************************************************/

static void *expire_many(void *arg)
{
	size_t *num = arg;
	struct iv_timer *timers = calloc(*num, sizeof(*timers));
	uint64_t now_ns = 0;
	size_t popped = 0;

	if (timers == NULL)
		return NULL;

	/* No wheel: all of them siblings, or one long line of children. */
	iv__timer_queue_init(&queue);
	queue.wheel_wait = SIZE_MAX;
	for (size_t i = 0; i < *num; i++)
		insert_at(&timers[i], i % 2 ? SECOND + i : 2 * SECOND - i);
	for (size_t i = 0; i < *num; i += 3)
		iv__timer_queue_remove(&queue, &timers[i]);
	iv__timer_queue_begin(&queue, 3 * SECOND);
	for (struct iv_timer *timer;
	     (timer = iv__timer_queue_pop(&queue)) != NULL; popped++) {
		uint64_t ns = (uint64_t)timer->expires.tv_sec * SECOND +
			      (uint64_t)timer->expires.tv_nsec;

		if (ns < now_ns)
			return NULL;
		now_ns = ns;
	}
	iv__timer_queue_destroy(&queue);
	free(timers);
	*num -= popped;

	return arg;
}

static void a_small_stack_suffices(void **state)
{
	size_t total = (size_t)scaled(1000000);
	size_t num = total;
	pthread_attr_t attr;
	pthread_t thread;
	void *ret;

	(void)state;
	pthread_attr_init(&attr);
	if (!under_a_tool())
		assert_int_equal(pthread_attr_setstacksize(&attr, 65536), 0);
	assert_int_equal(pthread_create(&thread, &attr, expire_many, &num), 0);
	assert_int_equal(pthread_join(thread, &ret), 0);
	pthread_attr_destroy(&attr);

	assert_non_null(ret);
	assert_int_equal(num, (total + 2) / 3);
}

static const struct test_case cases[] = {
	TEST(refused_memory_slows_down_and_no_more),
	TEST(few_timers_at_a_time_need_no_memory),
	TEST(memory_that_comes_back_takes_over_all_timers),
	TEST(closing_touches_no_timer),
	TEST(a_small_stack_suffices),
};

TEST_MAIN(cases)
