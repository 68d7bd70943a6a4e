/* SPDX-License-Identifier: MIT */
/*
 * test_work_limits.c - pools without descriptors, without threads, with
 * little stack, with work that never ends, and ended over it
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <iv_loop.h>
#include <iv_work.h>
#include "harness.h"

/* Stands in for the C library's: how many more threads may be created. */
static atomic_int threads_left = INT_MAX;

/* clang's ThreadSanitizer links its own into the program by this name. */
extern int
__interceptor_pthread_create(pthread_t *, const pthread_attr_t *,
			     void *(*)(void *), void *) __attribute__((weak));

int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
		   void *(*start)(void *arg), void *arg)
{
	int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
		    void *) = __interceptor_pthread_create;

	if (next == NULL)
		next = dlsym(RTLD_NEXT, "pthread_create");
	if (atomic_load(&threads_left) == 0)
		return EAGAIN;
	atomic_fetch_sub(&threads_left, 1);

	return next(thread, attr, start, arg);
}

static struct iv_work_pool pool;
static atomic_int runs;
static int completions;

static int try_pool(int max_threads)
{
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = max_threads;

	return iv_work_pool_create(&pool);
}

static void set_up(struct iv_work_item *item, void (*work)(void *cookie),
		   void (*completion)(void *cookie))
{
	IV_WORK_ITEM_INIT(item);
	item->cookie = item;
	item->work = work;
	item->completion = completion;
}

static void count_run(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&runs, 1);
}

static void count_completion(void *cookie)
{
	(void)cookie;
	completions++;
}

/* False: the pool was refused, with nothing kept. */
static bool use_a_pool(int max_threads)
{
	struct iv_work_item items[20];
	int i;

	atomic_store(&runs, 0);
	completions = 0;
	if (try_pool(max_threads) != 0) {
		iv_main();
		return false;
	}

	for (i = 0; i < 20; i++) {
		set_up(&items[i], count_run, count_completion);
		iv_work_pool_submit_work(&pool, &items[i]);
	}
	iv_work_pool_put(&pool);
	iv_main();
	assert_int_equal(atomic_load(&runs), 20);
	assert_int_equal(completions, 20);

	return true;
}

/* Resources refused *******************************************************/

static void without_descriptors_work_completes_or_create_refuses(void **state)
{
	int num, max, worked = 0;

	(void)state;
	for (max = 1; max <= 4; max += 3) {
		for (num = 0; num <= 4; num++) {
			iv_init();
			leave_descriptors(num);
			errno = 0;
			if (use_a_pool(max))
				worked++;
			else
				assert_int_equal(errno, EMFILE);
			give_descriptors_back();
			iv_deinit();
		}
	}
	assert_in_range(worked, 2, 10);
}

/* The pool is there already when the descriptors run out. */
static void work_completes_when_descriptors_run_out_later(void **state)
{
	struct iv_work_item items[20];
	int num, i;

	(void)state;
	for (num = 0; num <= 4; num++) {
		iv_init();
		completions = 0;
		assert_int_equal(try_pool(3), 0);
		leave_descriptors(num);
		for (i = 0; i < 20; i++) {
			set_up(&items[i], count_run, count_completion);
			iv_work_pool_submit_work(&pool, &items[i]);
		}
		iv_work_pool_put(&pool);
		iv_main();
		give_descriptors_back();
		assert_int_equal(completions, 20);
		iv_deinit();
	}
}

static void without_threads_work_completes(void **state)
{
	int num;

	(void)state;
	iv_init();
	for (num = 0; num <= 4; num++) {
		atomic_store(&threads_left, num);
		use_a_pool(3);
	}
	iv_deinit();
}

static void submit_late(void *cookie)
{
	(void)cookie;
	if (++completions < 10) {
		struct iv_work_item *item = cookie;

		iv_work_pool_submit_work(&pool, item);
	} else {
		iv_work_pool_put(&pool);
	}
}

static void without_threads_a_chain_completes(void **state)
{
	struct iv_work_item item;

	(void)state;
	iv_init();
	atomic_store(&threads_left, 0);
	if (try_pool(1) == 0) {
		set_up(&item, count_run, submit_late);
		iv_work_pool_submit_work(&pool, &item);
		iv_main();
		assert_int_equal(completions, 10);
	}
	iv_deinit();
}

static struct iv_work_item continued;

static void continue_it(void *cookie)
{
	(void)cookie;
	set_up(&continued, count_run, count_completion);
	iv_work_pool_submit_continuation(&pool, &continued);
}

static void without_threads_continuations_complete(void **state)
{
	struct iv_work_item item;

	(void)state;
	iv_init();
	atomic_store(&threads_left, 0);
	if (try_pool(1) == 0) {
		set_up(&item, continue_it, count_completion);
		iv_work_pool_submit_work(&pool, &item);
		iv_work_pool_put(&pool);
		iv_main();
		assert_int_equal(completions, 2);
		assert_int_equal(atomic_load(&runs), 1);
	}
	iv_deinit();
}

static void threads_are_started_once_they_can_be(void **state)
{
	(void)state;
	iv_init();
	atomic_store(&threads_left, 0);
	use_a_pool(2);
	atomic_store(&threads_left, 10);
	assert_true(use_a_pool(2));
	assert_in_range(atomic_load(&threads_left), 0, 9);
	iv_deinit();
}

/* A little stack **********************************************************/

struct chain {
	struct iv_work_item item;
	struct iv_work_pool *pool;
	int left;
};

static void do_nothing(void *cookie)
{
	(void)cookie;
}

static void chain_on(void *cookie)
{
	struct chain *chain = cookie;

	if (--chain->left > 0)
		iv_work_pool_submit_work(chain->pool, &chain->item);
	else if (chain->pool != NULL)
		iv_work_pool_put(chain->pool);
}

static void *run_chain(void *arg)
{
	struct chain *chain = arg;

	iv_init();
	if (chain->pool != NULL && try_pool(1) != 0)
		return (void *)1;
	chain->item.cookie = chain;
	chain->item.work = do_nothing;
	chain->item.completion = chain_on;
	iv_work_pool_submit_work(chain->pool, &chain->item);
	iv_main();
	iv_deinit();

	return NULL;
}

/* Tools need stack of their own. */
static void run_with_little_stack(struct chain *chain)
{
	size_t size = under_a_tool() ? 1024 * 1024 : 64 * 1024;
	pthread_attr_t attr;
	pthread_t thread = 0;

	pthread_attr_init(&attr);
	assert_int_equal(pthread_attr_setstacksize(&attr, size), 0);
	assert_int_equal(pthread_create(&thread, &attr, run_chain, chain), 0);
	pthread_attr_destroy(&attr);
	assert_null(join_thread(thread));
	assert_int_equal(chain->left, 0);
}

static void a_million_chained_completions_need_no_stack(void **state)
{
	struct chain chain = { .pool = NULL, .left = scaled(1000000) };

	(void)state;
	run_with_little_stack(&chain);
}

static void chained_completions_of_a_pool_need_no_stack(void **state)
{
	struct chain chain = { .pool = &pool,
			       .left = under_a_tool() ? 200 : 100000 };

	(void)state;
	run_with_little_stack(&chain);
}

/* Work without end ********************************************************/

static struct iv_fd fd;
static int fd_calls;
static bool stop;

static void quit_at_tenth(void *cookie)
{
	(void)cookie;
	if (++fd_calls == 10)
		stop = true;
}

static void submit_for_ever(void *cookie)
{
	struct chain *chain = cookie;

	if (!stop)
		iv_work_pool_submit_work(chain->pool, &chain->item);
	else
		iv_fd_unregister(&fd);
	if (stop && chain->pool != NULL)
		iv_work_pool_put(chain->pool);
}

static void serve_fd_beside(struct iv_work_pool *with)
{
	struct chain chain = { .pool = with };
	int pipefd[2];

	make_pipe(pipefd);
	put_byte(pipefd[1]);
	iv_init();
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.handler_in = quit_at_tenth;
	iv_fd_register(&fd);
	if (with != NULL)
		assert_int_equal(try_pool(1), 0);
	chain.item.cookie = &chain;
	chain.item.work = do_nothing;
	chain.item.completion = submit_for_ever;
	iv_work_pool_submit_work(with, &chain.item);
	iv_main();
	assert_true(fd_calls >= 10);
	close_both(pipefd);
	iv_deinit();
}

static void a_chain_without_a_pool_does_not_starve_descriptors(void **state)
{
	(void)state;
	serve_fd_beside(NULL);
}

static void a_chain_in_a_pool_does_not_starve_descriptors(void **state)
{
	(void)state;
	serve_fd_beside(&pool);
}

static iv_loop_id owner;
static sem_t at_work;

/* The loop's number dies before its pools end. */
static void go_on_while_it_closes(void *cookie)
{
	char name[1];
	int i;

	(void)cookie;
	sem_post(&at_work);
	while (iv_loop_get_name(owner, name, sizeof(name)) != -ESRCH)
		sched_yield();
	for (i = 0; i < 100; i++)
		sched_yield();
	atomic_fetch_add(&runs, 1);
}

/* Its threads were all out once, and one is in again. */
static void one_that_works_again_is_waited_for(void **state)
{
	struct iv_work_item first, again;

	(void)state;
	iv_init();
	owner = iv_loop_self();
	assert_int_equal(try_pool(1), 0);
	set_up(&first, count_run, count_completion);
	iv_work_pool_submit_work(&pool, &first);
	assert_int_equal(iv_loop_end(owner, IV_LOOP_DRAIN, -1, NULL, NULL),
			 -EDEADLK);
	iv_main();
	assert_int_equal(completions, 1);
	sem_init(&at_work, 0, 0);
	set_up(&again, go_on_while_it_closes, NULL);
	iv_work_pool_submit_work(&pool, &again);
	await(&at_work);
	iv_deinit();
	assert_int_equal(atomic_load(&runs), 2);
}

static const struct test_case cases[] = {
	TEST(without_descriptors_work_completes_or_create_refuses),
	TEST(work_completes_when_descriptors_run_out_later),
	TEST(without_threads_work_completes),
	TEST(without_threads_a_chain_completes),
	TEST(without_threads_continuations_complete),
	TEST(threads_are_started_once_they_can_be),
	TEST(a_million_chained_completions_need_no_stack),
	TEST(chained_completions_of_a_pool_need_no_stack),
	TEST(a_chain_without_a_pool_does_not_starve_descriptors),
	TEST(a_chain_in_a_pool_does_not_starve_descriptors),
	TEST(one_that_works_again_is_waited_for),
};

TEST_MAIN(cases)
