/* SPDX-License-Identifier: MIT */
/*
 * test_init.c - opening and closing loops
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <iv_avl.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include <iv_tls.h>
#include "harness.h"

enum { NUM_RACERS = 8 };

static void *have_a_loop(void *arg)
{
	bool before = iv_inited(), during;

	(void)arg;
	iv_init();
	during = iv_inited();
	iv_deinit();

	return (void *)(uintptr_t)(!before && during && !iv_inited());
}

static void each_thread_has_a_loop_of_its_own(void **state)
{
	(void)state;
	iv_init();
	assert_true(in_thread(have_a_loop, NULL));
	assert_true(iv_inited());
	iv_deinit();
}

static void inited_is_false_after_deinit(void **state)
{
	(void)state;
	assert_false(iv_inited());
	iv_init();
	assert_true(iv_inited());
	iv_deinit();
	assert_false(iv_inited());
}

static void a_loop_can_be_opened_again(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		struct iv_task task;

		iv_init();
		IV_TASK_INIT(&task);
		task.cookie = "task";
		task.handler = note;
		iv_task_register(&task);
		iv_main();
		assert_noted("task");
		iv_deinit();
	}
}

static void deinit_releases_every_descriptor(void **state)
{
	int before = num_open_fds();
	struct iv_event event = { .handler = note };

	(void)state;
	iv_init();
	assert_int_equal(iv_event_register(&event), 0);
	iv_event_unregister(&event);
	iv_deinit();
	assert_int_equal(num_open_fds(), before);
}

static void deinit_lets_go_of_registered_objects(void **state)
{
	struct iv_event event = { .handler = note };
	struct iv_timer timer;
	struct iv_task task;
	struct iv_fd fd;
	int pipefd[2];

	(void)state;
	make_pipe(pipefd);
	iv_init();
	assert_int_equal(iv_event_register(&event), 0);
	iv_event_post(&event);
	IV_TIMER_INIT(&timer);
	timer.handler = note;
	timer.expires = iv_now;
	iv_timer_register(&timer);
	IV_TASK_INIT(&task);
	task.handler = note;
	iv_task_register(&task);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.handler_in = note;
	iv_fd_register(&fd);
	iv_deinit();
	close_both(pipefd);
	assert_noted("");
}

/* The first iv_init() of a process *****************************************/

static pthread_barrier_t barrier;

static void *race_to_init(void *arg)
{
	struct iv_event event = { .handler = note };

	(void)arg;
	pthread_barrier_wait(&barrier);
	iv_init();
	if (iv_event_register(&event) != 0)
		return (void *)1;
	iv_event_unregister(&event);
	iv_deinit();

	return NULL;
}

static int race(void *arg)
{
	pthread_t threads[NUM_RACERS];
	uintptr_t failed = 0;
	int i;

	(void)arg;
	pthread_barrier_init(&barrier, NULL, NUM_RACERS);
	for (i = 0; i < NUM_RACERS; i++)
		threads[i] = start_thread(race_to_init, NULL);
	for (i = 0; i < NUM_RACERS; i++)
		failed += (uintptr_t)join_thread(threads[i]);
	pthread_barrier_destroy(&barrier);

	return failed != 0;
}

static void first_init_may_be_raced_by_threads(void **state)
{
	int rounds = under_a_tool() ? 5 : 300;

	(void)state;
	while (rounds-- > 0)
		in_child(race, NULL);
}

static void first_init_ignores_sigpipe_and_sigurg(void **state)
{
	struct sigaction action;

	(void)state;
	iv_init();
	assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_IGN);
	assert_int_equal(sigaction(SIGURG, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_IGN);
	iv_deinit();
}

enum { MAX_DESCRIPTORS = 131072 };

struct limits {
	struct rlimit before;
	rlim_t after;
};

static int raise_limit(void *arg)
{
	const struct limits *limits = arg;
	struct rlimit after;

	if (setrlimit(RLIMIT_NOFILE, &limits->before) != 0)
		return 2;

	iv_init();
	getrlimit(RLIMIT_NOFILE, &after);
	iv_deinit();

	return after.rlim_cur != limits->after;
}

static int set_limit(void *limit)
{
	return setrlimit(RLIMIT_NOFILE, limit) != 0;
}

/* Privilege alone does not tell: a container may have a lower bound. */
static void first_init_raises_the_limit_of_descriptors(void **state)
{
	struct rlimit all = { MAX_DESCRIPTORS, MAX_DESCRIPTORS };
	struct rlimit more = { MAX_DESCRIPTORS + 1, MAX_DESCRIPTORS + 1 };
	struct limits limits;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limits.before);
	limits.after = limits.before.rlim_max;
	if (limits.after > MAX_DESCRIPTORS ||
	    status_of_child(set_limit, &all) == 0)
		limits.after = MAX_DESCRIPTORS;
	limits.before.rlim_cur = 200;
	in_child(raise_limit, &limits);
	if (status_of_child(set_limit, &more) == 0) {
		limits = (struct limits){ more, MAX_DESCRIPTORS + 1 };
		in_child(raise_limit, &limits);
	}
}

/* Without iv_deinit() ******************************************************/

static void *end_without_deinit(void *arg)
{
	(void)arg;
	iv_init();

	return NULL;
}

struct objects {
	struct iv_event event;
	struct iv_timer timer;
	struct iv_task task;
	struct iv_fd fd;
	int pipefd[2];
};

static void *end_with_objects(void *arg)
{
	struct objects *o = arg;

	iv_init();
	o->event.handler = note;
	if (iv_event_register(&o->event) != 0)
		return (void *)1;
	IV_TIMER_INIT(&o->timer);
	o->timer.handler = note;
	o->timer.expires = after_ms(1000000);
	iv_timer_register(&o->timer);
	IV_TASK_INIT(&o->task);
	o->task.handler = note;
	iv_task_register(&o->task);
	IV_FD_INIT(&o->fd);
	o->fd.fd = o->pipefd[0];
	o->fd.handler_in = note;
	iv_fd_register(&o->fd);

	return NULL;
}

static void *end_inside_a_callback(void *arg)
{
	struct iv_task task;

	(void)arg;
	iv_init();
	IV_TASK_INIT(&task);
	task.cookie = NULL;
	task.handler = pthread_exit;
	iv_task_register(&task);
	iv_main();

	return (void *)1;
}

static void a_thread_without_deinit_leaks_nothing(void **state)
{
	int before, i;

	(void)state;
	assert_null(in_thread(end_without_deinit, NULL));
	before = num_open_fds();
	for (i = 0; i < scaled(100); i++)
		assert_null(in_thread(end_without_deinit, NULL));
	assert_int_equal(num_open_fds(), before);
}

static void a_thread_without_deinit_leaks_nothing_of_its_objects(void **state)
{
	struct objects *objects = calloc(1, sizeof(*objects));
	int before;

	(void)state;
	make_pipe(objects->pipefd);
	before = num_open_fds();
	assert_null(in_thread(end_with_objects, objects));
	assert_int_equal(num_open_fds(), before);
	close_both(objects->pipefd);
	free(objects);
}

static void a_thread_may_end_inside_a_callback(void **state)
{
	int before = num_open_fds();

	(void)state;
	assert_null(in_thread(end_inside_a_callback, NULL));
	assert_int_equal(num_open_fds(), before);
}

static int main_thread_ends_by_exit(void *arg)
{
	(void)arg;
	iv_init();

	return 0;
}

static void the_process_may_exit_without_deinit(void **state)
{
	(void)state;
	in_child(main_thread_ends_by_exit, NULL);
}

/* Without iv_init() ********************************************************/

static int
compare_nothing(const struct iv_avl_node *a, const struct iv_avl_node *b)
{
	return (a > b) - (a < b);
}

static void what_needs_no_init_works_without(void **state)
{
	struct iv_avl_tree tree = IV_AVL_TREE_INIT(compare_nothing);
	static struct iv_tls_user user = { .sizeof_state = 1 };
	struct iv_avl_node node;
	struct iv_event_raw raw;
	struct iv_event event;
	struct iv_timer timer;
	struct iv_task task;
	struct iv_fd fd;

	(void)state;
	IV_FD_INIT(&fd);
	IV_TASK_INIT(&task);
	IV_TIMER_INIT(&timer);
	IV_EVENT_INIT(&event);
	IV_EVENT_RAW_INIT(&raw);
	assert_false(iv_fd_registered(&fd));
	assert_false(iv_task_registered(&task));
	assert_false(iv_timer_registered(&timer));
	assert_false(iv_inited());
	assert_null(iv_poll_method_name());
	assert_int_equal(iv_avl_tree_insert(&tree, &node), 0);
	iv_avl_tree_delete(&tree, &node);
	iv_tls_user_register(&user);
	assert_null(iv_tls_user_ptr(&user));
}

static void *post_from_a_thread_without_loop(void *event)
{
	iv_event_post(event);

	return (void *)(uintptr_t)iv_inited();
}

static void a_thread_without_loop_may_post(void **state)
{
	struct iv_event event = { .cookie = "event", .handler = note_and_quit };

	(void)state;
	iv_init();
	assert_int_equal(iv_event_register(&event), 0);
	assert_null(in_thread(post_from_a_thread_without_loop, &event));
	run_until_quit("the event");
	assert_noted("event");
	iv_event_unregister(&event);
	iv_deinit();
}

static void the_method_has_a_name_after_init(void **state)
{
	const char *name;

	(void)state;
	iv_init();
	name = iv_poll_method_name();
	assert_non_null(name);
	assert_true(strlen(name) > 0);
	iv_deinit();
}

/* Misuse *******************************************************************/

static void init_twice(void *arg)
{
	(void)arg;
	iv_init();
	iv_init();
}

static void init_twice_in_a_thread_is_fatal(void **state)
{
	(void)state;
	expect_fatal(init_twice, NULL, "iv_init", "already");
}

static void deinit_again(void *arg)
{
	(void)arg;
	iv_init();
	iv_deinit();
	iv_deinit();
}

static void deinit_without_a_loop_is_fatal(void **state)
{
	(void)state;
	expect_fatal(deinit_again, NULL, "iv_deinit", "iv_init");
}

static void do_deinit(void *arg)
{
	(void)arg;
	iv_deinit();
}

static void deinit_in_callback(void *arg)
{
	struct iv_task task;

	(void)arg;
	iv_init();
	IV_TASK_INIT(&task);
	task.handler = do_deinit;
	iv_task_register(&task);
	iv_main();
}

static void deinit_inside_a_callback_is_fatal(void **state)
{
	(void)state;
	expect_fatal(deinit_in_callback, NULL, "iv_deinit", "iv_main");
}

static const struct test_case cases[] = {
	TEST(each_thread_has_a_loop_of_its_own),
	TEST(inited_is_false_after_deinit),
	TEST(a_loop_can_be_opened_again),
	TEST(deinit_releases_every_descriptor),
	TEST(deinit_lets_go_of_registered_objects),
	TEST(first_init_may_be_raced_by_threads),
	TEST(first_init_ignores_sigpipe_and_sigurg),
	TEST(first_init_raises_the_limit_of_descriptors),
	TEST(a_thread_without_deinit_leaks_nothing),
	TEST(a_thread_without_deinit_leaks_nothing_of_its_objects),
	TEST(a_thread_may_end_inside_a_callback),
	TEST(the_process_may_exit_without_deinit),
	TEST(what_needs_no_init_works_without),
	TEST(a_thread_without_loop_may_post),
	TEST(the_method_has_a_name_after_init),
	TEST(init_twice_in_a_thread_is_fatal),
	TEST(deinit_without_a_loop_is_fatal),
	TEST(deinit_inside_a_callback_is_fatal),
};

TEST_MAIN(cases)
