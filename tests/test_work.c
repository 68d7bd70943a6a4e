/* SPDX-License-Identifier: MIT */
/*
 * test_work.c - work items: where they run, and that each completes
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <iv_work.h>
#include "harness.h"

static struct iv_work_pool pool;
static pthread_t owner, worker;
static int completions;

static void create_pool(int max_threads)
{
	/* Programs built for old releases hand over uninitialised words. */
	memset(&pool, 0xa5, sizeof(pool));
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = max_threads;
	assert_int_equal(iv_work_pool_create(&pool), 0);
}

static void set_up(struct iv_work_item *item, void *cookie,
		   void (*work)(void *cookie), void (*completion)(void *cookie))
{
	memset(item, 0xa5, sizeof(*item));
	IV_WORK_ITEM_INIT(item);
	item->cookie = cookie;
	item->work = work;
	item->completion = completion;
}

static void see_worker(void *cookie)
{
	(void)cookie;
	worker = pthread_self();
}

static void put_pool(void *cookie)
{
	(void)cookie;
	completions++;
	assert_true(pthread_equal(pthread_self(), owner));
	iv_work_pool_put(&pool);
}

static void work_runs_in_a_worker_and_completes_at_home(void **state)
{
	struct iv_work_item item;

	(void)state;
	owner = pthread_self();
	iv_init();
	create_pool(1);
	set_up(&item, NULL, see_worker, put_pool);
	iv_work_pool_submit_work(&pool, &item);
	assert_int_equal(completions, 0);
	iv_main();
	assert_int_equal(completions, 1);
	assert_false(pthread_equal(worker, owner));
	iv_deinit();
}

static int result;

static void compute(void *cookie)
{
	*(int *)cookie = 42;
}

static void see_result(void *cookie)
{
	result = *(int *)cookie;
	iv_work_pool_put(&pool);
}

static void completion_sees_what_work_wrote(void **state)
{
	struct iv_work_item item;
	int value = 0;

	(void)state;
	iv_init();
	create_pool(2);
	set_up(&item, &value, compute, see_result);
	iv_work_pool_submit_work(&pool, &item);
	iv_main();
	assert_int_equal(result, 42);
	iv_deinit();
}

struct job {
	struct iv_work_item item;
	int runs;
	int completions;
};

static int jobs_left;

static void run_job(void *cookie)
{
	((struct job *)cookie)->runs++;
}

static void end_job(void *cookie)
{
	((struct job *)cookie)->completions++;
	if (--jobs_left == 0)
		iv_work_pool_put(&pool);
}

static void complete_many(int max_threads, int num)
{
	struct job *jobs = calloc((size_t)num, sizeof(*jobs));
	int i;

	assert_non_null(jobs);
	iv_init();
	create_pool(max_threads);
	jobs_left = num;
	for (i = 0; i < num; i++) {
		jobs[i].item.cookie = &jobs[i];
		jobs[i].item.work = run_job;
		jobs[i].item.completion = end_job;
		iv_work_pool_submit_work(&pool, &jobs[i].item);
	}
	iv_main();
	for (i = 0; i < num; i++) {
		assert_int_equal(jobs[i].runs, 1);
		assert_int_equal(jobs[i].completions, 1);
	}
	iv_deinit();
	free(jobs);
}

static void every_item_runs_and_completes_once(void **state)
{
	(void)state;
	complete_many(1, scaled(20000));
	complete_many(2, scaled(20000));
	complete_many(4, scaled(20000));
	complete_many(100, scaled(20000));
}

static void do_nothing(void *cookie)
{
	(void)cookie;
}

/* So many that some complete in one batch. */
enum { FREED_ITEMS = 1000 };

static void free_item(void *cookie)
{
	memset(cookie, 0xa5, sizeof(struct iv_work_item));
	free(cookie);
	if (++completions == FREED_ITEMS)
		iv_work_pool_put(&pool);
}

static void an_item_may_be_freed_in_its_completion(void **state)
{
	int i;

	(void)state;
	iv_init();
	create_pool(2);
	for (i = 0; i < FREED_ITEMS; i++) {
		struct iv_work_item *item = malloc(sizeof(*item));

		set_up(item, item, do_nothing, free_item);
		iv_work_pool_submit_work(&pool, item);
	}
	iv_main();
	assert_int_equal(completions, FREED_ITEMS);
	iv_deinit();
}

static int many(void)
{
	return under_a_tool() ? 100 : 1000;
}

static void submit_again(void *cookie)
{
	if (++completions < many())
		iv_work_pool_submit_work(&pool, cookie);
	else
		iv_work_pool_put(&pool);
}

static void an_item_may_be_submitted_again_in_its_completion(void **state)
{
	struct iv_work_item item;

	(void)state;
	iv_init();
	create_pool(2);
	set_up(&item, &item, do_nothing, submit_again);
	iv_work_pool_submit_work(&pool, &item);
	iv_main();
	assert_int_equal(completions, many());
	iv_deinit();
}

static atomic_int runs;

static void count_run(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&runs, 1);
}

static void a_null_completion_is_legal(void **state)
{
	struct iv_work_item items[100];
	int i;

	(void)state;
	iv_init();
	create_pool(2);
	for (i = 0; i < 100; i++) {
		set_up(&items[i], NULL, count_run, NULL);
		iv_work_pool_submit_work(&pool, &items[i]);
	}
	iv_work_pool_put(&pool);
	iv_main();
	assert_int_equal(atomic_load(&runs), 100);
	iv_deinit();
}

/* The clock ***************************************************************/

static struct timespec last_end;
static bool stale;

/*
 * Fills the cache and lets the time pass it. Items run in no order, but in
 * one thread: each one looks at the end of the one before.
 */
static void take_time(void *cookie)
{
	struct timespec start = iv_now;

	(void)cookie;
	if (compare_times(&start, &last_end) < 0)
		stale = true;
	do {
		clock_gettime(CLOCK_MONOTONIC, &last_end);
	} while (compare_times(&last_end, &start) <= 0);
}

static void count_and_put_at_second(void *cookie)
{
	(void)cookie;
	if (++completions == 2)
		iv_work_pool_put(&pool);
}

static void now_is_refreshed_after_each_work_function(void **state)
{
	struct iv_work_item first, second;

	(void)state;
	iv_init();
	create_pool(1);
	set_up(&first, NULL, take_time, count_and_put_at_second);
	set_up(&second, NULL, take_time, count_and_put_at_second);
	iv_work_pool_submit_work(&pool, &first);
	iv_work_pool_submit_work(&pool, &second);
	iv_main();
	assert_false(stale);
	iv_deinit();
}

/* Without a pool **********************************************************/

static void note_work(void *cookie)
{
	(void)cookie;
	assert_true(pthread_equal(pthread_self(), owner));
	note("work");
}

static void note_completion(void *cookie)
{
	(void)cookie;
	note("completion");
}

static void note_task(struct iv_task *task, const char *word)
{
	IV_TASK_INIT(task);
	task->cookie = (void *)(uintptr_t)word;
	task->handler = note;
	iv_task_register(task);
}

static void without_a_pool_one_task_runs_both(void **state)
{
	struct iv_task before, after;
	struct iv_work_item item;

	(void)state;
	owner = pthread_self();
	iv_init();
	note_task(&before, "before");
	set_up(&item, NULL, note_work, note_completion);
	iv_work_pool_submit_work(NULL, &item);
	note_task(&after, "after");
	assert_noted("");
	iv_main();
	assert_noted("before work completion after");
	iv_deinit();
}

static void without_a_pool_a_null_completion_is_legal(void **state)
{
	struct iv_work_item item;

	(void)state;
	owner = pthread_self();
	iv_init();
	set_up(&item, NULL, note_work, NULL);
	iv_work_pool_submit_work(NULL, &item);
	iv_main();
	assert_noted("work");
	iv_work_pool_submit_continuation(NULL, &item);
	iv_main();
	assert_noted("work");
	iv_deinit();
}

static void free_and_note(void *cookie)
{
	memset(cookie, 0xa5, sizeof(struct iv_work_item));
	free(cookie);
	note("completion");
}

static void without_a_pool_an_item_may_be_freed_in_its_completion(void **st)
{
	struct iv_work_item *item = malloc(sizeof(*item));

	(void)st;
	iv_init();
	set_up(item, item, do_nothing, free_and_note);
	iv_work_pool_submit_work(NULL, item);
	iv_main();
	assert_noted("completion");
	iv_deinit();
}

/* Continuations ***********************************************************/

struct step {
	struct iv_work_item item;
	struct step *next;
	pthread_t completed_in;
};

/* A worker submits the next step itself, without a way round the owner. */
static void take_step(void *cookie)
{
	struct step *step = cookie;

	if (step->next != NULL)
		iv_work_pool_submit_continuation(&pool, &step->next->item);
}

static void end_step(void *cookie)
{
	struct step *step = cookie;

	step->completed_in = pthread_self();
	if (--jobs_left == 0)
		iv_work_pool_put(&pool);
}

static void continue_through(int max_threads)
{
	int num = scaled(1000), i;
	struct step *steps = calloc((size_t)num, sizeof(*steps));

	iv_init();
	create_pool(max_threads);
	jobs_left = num;
	for (i = 0; i < num; i++) {
		set_up(&steps[i].item, &steps[i], take_step, end_step);
		steps[i].next = i + 1 < num ? &steps[i + 1] : NULL;
	}
	iv_work_pool_submit_work(&pool, &steps[0].item);
	iv_main();
	assert_int_equal(jobs_left, 0);
	for (i = 0; i < num; i++)
		assert_true(
			pthread_equal(steps[i].completed_in, pthread_self()));
	iv_deinit();
	free(steps);
}

static void work_may_submit_continuations(void **state)
{
	(void)state;
	continue_through(1);
	continue_through(2);
}

static void the_owner_may_submit_continuations(void **state)
{
	struct iv_work_item item;

	(void)state;
	owner = pthread_self();
	iv_init();
	create_pool(1);
	set_up(&item, NULL, see_worker, put_pool);
	iv_work_pool_submit_continuation(&pool, &item);
	iv_main();
	assert_int_equal(completions, 1);
	iv_deinit();
}

/* Endings *****************************************************************/

static void end_thread(void *cookie)
{
	pthread_exit(cookie);
}

static void work_that_ends_its_thread_still_completes(void **state)
{
	int num = under_a_tool() ? 10 : 200, i;
	struct job *jobs = calloc((size_t)num, sizeof(*jobs));

	(void)state;
	iv_init();
	create_pool(2);
	jobs_left = num;
	for (i = 0; i < num; i++) {
		set_up(&jobs[i].item, &jobs[i],
		       i % 2 == 0 ? end_thread : run_job, end_job);
		iv_work_pool_submit_work(&pool, &jobs[i].item);
	}
	iv_main();
	for (i = 0; i < num; i++) {
		assert_int_equal(jobs[i].completions, 1);
		assert_int_equal(jobs[i].runs, i % 2);
	}
	iv_deinit();
	free(jobs);
}

static const struct test_case cases[] = {
	TEST(work_runs_in_a_worker_and_completes_at_home),
	TEST(completion_sees_what_work_wrote),
	TEST(every_item_runs_and_completes_once),
	TEST(an_item_may_be_freed_in_its_completion),
	TEST(an_item_may_be_submitted_again_in_its_completion),
	TEST(a_null_completion_is_legal),
	TEST(now_is_refreshed_after_each_work_function),
	TEST(without_a_pool_one_task_runs_both),
	TEST(without_a_pool_a_null_completion_is_legal),
	TEST(without_a_pool_an_item_may_be_freed_in_its_completion),
	TEST(work_may_submit_continuations),
	TEST(the_owner_may_submit_continuations),
	TEST(work_that_ends_its_thread_still_completes),
};

TEST_MAIN(cases)
