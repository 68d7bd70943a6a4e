/* SPDX-License-Identifier: MIT */
/*
 * test_loop_call.c - functions that other threads run on a loop
 */
#include <unistd.h>
#include <iv_work.h>
#include "loop_call_bed.h"

/* Without waiting *********************************************************/

static int order[4];
static int num_ordered;
static pthread_t ran_in;

static void add_to_order(void *cookie)
{
	order[num_ordered++] = *(int *)cookie;
	ran_in = pthread_self();
}

static void calls_run_in_order_on_the_loops_thread(void **state)
{
	static int numbers[] = { 1, 2, 3 };
	struct looper looper = { .held = false };
	int i;

	(void)state;
	start(&looper);
	for (i = 0; i < 3; i++) {
		assert_int_equal(iv_loop_call(looper.id, add_to_order,
					      &numbers[i], NULL),
				 0);
	}
	stop(&looper);

	assert_int_equal(num_ordered, 3);
	for (i = 0; i < 3; i++)
		assert_int_equal(order[i], i + 1);
	assert_true(pthread_equal(ran_in, looper.thread));
}

static void note_then_quit(void *word)
{
	note(word);
	iv_quit();
}

static void a_call_to_the_own_loop_is_a_callback(void **state)
{
	struct iv_event stay = { .handler = never_posted };

	(void)state;
	iv_init();
	assert_int_equal(iv_event_register(&stay), 0);
	assert_int_equal(
		iv_loop_call(iv_loop_self(), note_then_quit, "call", NULL), 0);
	assert_noted("");
	run_until_quit("the call");
	assert_noted("call");
	iv_event_unregister(&stay);
	iv_deinit();
}

static void listening_does_not_keep_a_loop_running(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(iv_loop_listen(), 0);
	assert_int_equal(iv_loop_listen(), 0);
	iv_main();
	iv_deinit();
}

static int call_again_left = 1000;

static void call_again(void *cookie)
{
	if (--call_again_left > 0 &&
	    iv_loop_call(iv_loop_self(), call_again, cookie, NULL) != 0)
		abort();
}

static int bytes_got;

static void got_byte(void *cookie)
{
	struct iv_fd *fd = cookie;

	get_byte(fd->fd);
	if (++bytes_got == 1 && call_again_left > 0)
		note("byte among calls");
	iv_quit();
}

static void calls_that_call_do_not_starve_descriptors(void **state)
{
	struct iv_fd fd;
	int ends[2];

	(void)state;
	iv_init();
	assert_int_equal(iv_loop_listen(), 0);
	make_pipe(ends);
	IV_FD_INIT(&fd);
	fd.fd = ends[0];
	fd.cookie = &fd;
	fd.handler_in = got_byte;
	iv_fd_register(&fd);
	put_byte(ends[1]);
	assert_int_equal(iv_loop_call(iv_loop_self(), call_again, NULL, NULL),
			 0);
	run_until_quit("a byte");
	assert_noted("byte among calls");

	iv_fd_unregister(&fd);
	iv_deinit();
	close_both(ends);
}

static void end_nested(void *cookie)
{
	(void)cookie;
	note("nested");
	iv_quit();
}

static void run_nested(void *cookie)
{
	(void)cookie;
	iv_main();
	note("outer");
}

static void a_call_may_wait_for_the_next_in_a_nested_loop(void **state)
{
	struct iv_event stay = { .handler = never_posted };

	(void)state;
	iv_init();
	assert_int_equal(iv_event_register(&stay), 0);
	assert_int_equal(iv_loop_call(iv_loop_self(), run_nested, NULL, NULL),
			 0);
	assert_int_equal(iv_loop_call(iv_loop_self(), end_nested, NULL, NULL),
			 0);
	run_until_quit("the nested call");
	assert_noted("nested outer");
	iv_event_unregister(&stay);
	iv_deinit();
}

static void one_that_nothing_wakes_is_told(void **state)
{
	iv_loop_id id;

	(void)state;
	iv_init();
	id = iv_loop_self();
	assert_int_equal(iv_loop_call(id, quit, NULL, NULL), -ENOTCONN);
	assert_int_equal(iv_loop_listen(), 0);
	assert_int_equal(iv_loop_call(id, quit, NULL, NULL), 0);
	iv_deinit();
}

/* Dropped *****************************************************************/

static void free_and_end_thread(void *cookie)
{
	free(cookie);
	pthread_exit(NULL);
}

static void what_had_its_turn_is_not_dropped(void **state)
{
	struct looper looper = { .held = false };
	void *memory = malloc(1);

	(void)state;
	start(&looper);
	assert_int_equal(iv_loop_call(looper.id, free_and_end_thread, memory,
				      count_dropped),
			 0);
	join_thread(looper.thread);
	assert_int_equal(num_dropped, 0);
}

static int call_when_dropped;

static void call_again_when_dropped(void *cookie)
{
	iv_loop_id *id = cookie;

	call_when_dropped = iv_loop_call(*id, quit, NULL, NULL);
}

static void who_is_dropped_finds_the_loop_gone(void **state)
{
	iv_loop_id id;

	(void)state;
	iv_init();
	id = iv_loop_self();
	assert_int_equal(iv_loop_listen(), 0);
	assert_int_equal(iv_loop_call(id, quit, &id, call_again_when_dropped),
			 0);
	iv_deinit();
	assert_int_equal(call_when_dropped, -ESRCH);
}

static void the_next_loop_gets_no_calls_of_the_last(void **state)
{
	iv_loop_id id;

	(void)state;
	iv_init();
	id = iv_loop_self();
	iv_deinit();
	iv_init();
	assert_int_equal((uint32_t)iv_loop_self(), (uint32_t)id);
	assert_int_equal(iv_loop_listen(), 0);
	assert_int_equal(iv_loop_call(id, quit, NULL, NULL), -ESRCH);
	assert_int_equal(iv_loop_stop(id), -ESRCH);
	iv_deinit();
}

/* Workers, and children ***************************************************/

static int worker_listens;
static int call_to_worker;

static void ask_as_worker(void *cookie)
{
	(void)cookie;
	worker_listens = iv_loop_listen();
	call_to_worker = iv_loop_call(iv_loop_self(), quit, NULL, NULL);
}

static void workers_wait_for_items_only(void **state)
{
	struct iv_work_pool pool = { .max_threads = 1 };
	struct iv_work_item item = { .work = ask_as_worker };

	(void)state;
	iv_init();
	assert_int_equal(iv_work_pool_create(&pool), 0);
	iv_work_pool_submit_work(&pool, &item);
	iv_work_pool_put(&pool);
	iv_main();
	iv_deinit();
	assert_int_equal(worker_listens, -ENOTSUP);
	assert_int_equal(call_to_worker, -ENOTCONN);
}

static int payload;

static void add_to_payload(void *cookie)
{
	payload += *(int *)cookie;
}

static int call_in_child(void *arg)
{
	struct iv_event stay = { .handler = never_posted };
	struct looper *looper = arg;

	if (iv_loop_call(looper->id, quit, NULL, NULL) != -ESRCH)
		leave_child(1);
	/* What was called before the fork is the parent's. */
	if (iv_loop_call(iv_loop_self(), quit, NULL, NULL) != 0)
		leave_child(3);
	if (iv_event_register(&stay) != 0)
		leave_child(4);
	iv_main();
	leave_child(payload == 0 ? 0 : 2);
}

static void a_forked_child_has_calls_of_its_own(void **state)
{
	struct looper looper = { .held = false };
	int add = 1;

	(void)state;
	start(&looper);
	iv_init();
	assert_int_equal(iv_loop_listen(), 0);
	assert_int_equal(
		iv_loop_call(iv_loop_self(), add_to_payload, &add, NULL), 0);
	in_child(call_in_child, &looper);
	iv_deinit();
	stop(&looper);
}

static const struct test_case cases[] = {
	TEST(calls_run_in_order_on_the_loops_thread),
	TEST(a_call_to_the_own_loop_is_a_callback),
	TEST(listening_does_not_keep_a_loop_running),
	TEST(calls_that_call_do_not_starve_descriptors),
	TEST(a_call_may_wait_for_the_next_in_a_nested_loop),
	TEST(one_that_nothing_wakes_is_told),
	TEST(what_had_its_turn_is_not_dropped),
	TEST(who_is_dropped_finds_the_loop_gone),
	TEST(the_next_loop_gets_no_calls_of_the_last),
	TEST(workers_wait_for_items_only),
	TEST(a_forked_child_has_calls_of_its_own),
};

TEST_MAIN(cases)
