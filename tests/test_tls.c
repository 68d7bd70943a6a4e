/* SPDX-License-Identifier: MIT */
/*
 * test_tls.c - state that each loop carries
 */
#include <string.h>
#include <iv_tls.h>
#include "harness.h"

struct counter {
	int inits;
	int deinits;
	long double widest;
};

static void start_counter(void *cookie)
{
	struct counter *counter = cookie;

	/* The state is zeroed, and the loop is there already. */
	counter->inits += iv_inited() ? 1 : 100;
}

static int deinits;
static struct iv_tls_user counter_user;

static void stop_counter(void *cookie)
{
	struct counter *counter = cookie;

	counter->deinits++;
	if (iv_inited() && iv_tls_user_ptr(&counter_user) == cookie)
		__atomic_add_fetch(&deinits, 1, __ATOMIC_SEQ_CST);
}

static struct iv_tls_user counter_user = {
	.sizeof_state = sizeof(struct counter),
	.init_thread = start_counter,
	.deinit_thread = stop_counter,
};

static struct iv_tls_user bare_user = { .sizeof_state = 3 };

static void register_users(void)
{
	iv_tls_user_register(&bare_user);
	iv_tls_user_register(&counter_user);
}

static void the_state_is_zeroed_and_init_thread_runs(void **state)
{
	struct counter *counter;

	(void)state;
	register_users();
	iv_init();
	counter = iv_tls_user_ptr(&counter_user);
	assert_non_null(counter);
	assert_int_equal(counter->inits, 1);
	assert_int_equal(counter->deinits, 0);
	assert_memory_equal(iv_tls_user_ptr(&bare_user), "\0\0\0", 3);
	iv_deinit();
}

static void deinit_thread_runs_at_deinit(void **state)
{
	(void)state;
	register_users();
	iv_init();
	assert_int_equal(deinits, 0);
	iv_deinit();
	assert_int_equal(deinits, 1);
}

static void the_state_is_aligned_for_anything(void **state)
{
	(void)state;
	register_users();
	iv_init();
	assert_int_equal((uintptr_t)iv_tls_user_ptr(&counter_user) %
				 _Alignof(max_align_t),
			 0);
	iv_deinit();
}

static void states_do_not_overlap(void **state)
{
	struct counter *counter;

	(void)state;
	register_users();
	iv_init();
	counter = iv_tls_user_ptr(&counter_user);
	memset(iv_tls_user_ptr(&bare_user), 0xff, 3);
	assert_int_equal(counter->inits, 1);
	assert_int_equal(counter->deinits, 0);
	iv_deinit();
}

static void the_pointer_is_null_without_a_loop(void **state)
{
	(void)state;
	register_users();
	assert_null(iv_tls_user_ptr(&counter_user));
	iv_init();
	assert_non_null(iv_tls_user_ptr(&counter_user));
	iv_deinit();
	assert_null(iv_tls_user_ptr(&counter_user));
}

static void *have_own_state(void *other)
{
	struct counter *counter;
	bool right;

	right = iv_tls_user_ptr(&counter_user) == NULL;
	iv_init();
	counter = iv_tls_user_ptr(&counter_user);
	right = right && counter != other && counter->inits == 1;
	iv_deinit();

	return (void *)(uintptr_t)right;
}

static void each_loop_has_its_own(void **state)
{
	(void)state;
	register_users();
	iv_init();
	assert_true(in_thread(have_own_state, iv_tls_user_ptr(&counter_user)));
	assert_int_equal(deinits, 1);
	iv_deinit();
	assert_int_equal(deinits, 2);
}

static void *end_without_deinit(void *arg)
{
	iv_init();

	return arg;
}

static void deinit_thread_runs_when_a_thread_ends_without(void **state)
{
	(void)state;
	register_users();
	in_thread(end_without_deinit, NULL);
	assert_int_equal(deinits, 1);
}

static void a_new_loop_has_a_new_state(void **state)
{
	struct counter *counter;

	(void)state;
	register_users();
	iv_init();
	counter = iv_tls_user_ptr(&counter_user);
	counter->widest = 1;
	iv_deinit();
	iv_init();
	counter = iv_tls_user_ptr(&counter_user);
	assert_int_equal(counter->inits, 1);
	assert_true(counter->widest == 0);
	iv_deinit();
}

static struct iv_task task;

static void register_task(void *state)
{
	(void)state;
	IV_TASK_INIT(&task);
	task.cookie = "task";
	task.handler = note;
	iv_task_register(&task);
}

static void init_thread_may_use_the_interface(void **state)
{
	static struct iv_tls_user user = { .init_thread = register_task };

	(void)state;
	iv_tls_user_register(&user);
	iv_init();
	iv_main();
	assert_noted("task");
	iv_deinit();
}

static void note_start_a(void *state)
{
	(void)state;
	note("start_a");
}

static void note_start_b(void *state)
{
	(void)state;
	note("start_b");
}

static void note_stop_a(void *state)
{
	(void)state;
	note("stop_a");
}

static void note_stop_b(void *state)
{
	(void)state;
	note("stop_b");
}

static void users_stop_in_the_reverse_order(void **state)
{
	static struct iv_tls_user a = {
		.init_thread = note_start_a,
		.deinit_thread = note_stop_a,
	};
	static struct iv_tls_user b = {
		.init_thread = note_start_b,
		.deinit_thread = note_stop_b,
	};

	(void)state;
	iv_tls_user_register(&a);
	iv_tls_user_register(&b);
	iv_init();
	iv_deinit();
	assert_noted("start_a start_b stop_b stop_a");
}

static void register_late(void *arg)
{
	(void)arg;
	iv_init();
	iv_tls_user_register(&counter_user);
}

static void registering_after_the_first_init_is_fatal(void **state)
{
	(void)state;
	expect_fatal(register_late, NULL, "iv_tls_user_register", "before");
}

static const struct test_case cases[] = {
	TEST(the_state_is_zeroed_and_init_thread_runs),
	TEST(deinit_thread_runs_at_deinit),
	TEST(the_state_is_aligned_for_anything),
	TEST(states_do_not_overlap),
	TEST(the_pointer_is_null_without_a_loop),
	TEST(each_loop_has_its_own),
	TEST(deinit_thread_runs_when_a_thread_ends_without),
	TEST(a_new_loop_has_a_new_state),
	TEST(init_thread_may_use_the_interface),
	TEST(users_stop_in_the_reverse_order),
	TEST(registering_after_the_first_init_is_fatal),
};

TEST_MAIN(cases)
