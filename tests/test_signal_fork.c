/* SPDX-License-Identifier: MIT */
/*
 * test_signal_fork.c - signals in forked children, and the parent beside them
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <iv_signal.h>
#include "harness.h"
#include "signal_bed.h"

static struct iv_signal sig;

static void expect(struct iv_signal *one, int signum, void *word)
{
	expect_signal(one, signum, 0, note, word);
}

static int raise_it(void *arg)
{
	(void)arg;
	raise(SIGUSR1);

	return 0;
}

static void a_forked_child_never_notifies_its_parent(void **state)
{
	(void)state;
	iv_init();
	expect(&sig, SIGUSR1, "parent");
	in_child(raise_it, NULL);
	run_rounds();
	assert_noted("");
	raise(SIGUSR1);
	run_rounds();
	assert_noted("parent");
	iv_signal_unregister(&sig);
	iv_deinit();
}

static atomic_int in_vfork;

/* The child of a vfork shares our memory, counters and all. */
static int raise_and_end(void *arg)
{
	(void)arg;
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
	atomic_fetch_add(&in_vfork, 1);
	_exit(0);
}

static void nor_does_one_that_shares_its_memory(void **state)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status;
	pid_t pid;

	(void)state;
	if (under_a_tool())
		cannot_try("the tools have their own view of clone()");
	iv_init();
	expect(&sig, SIGUSR1, "parent");
	pid = clone(raise_and_end, stack + sizeof(stack),
		    CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(atomic_load(&in_vfork), 1);
	run_rounds();
	assert_noted("");
	iv_signal_unregister(&sig);
	iv_deinit();
}

static void nor_does_one_whose_fork_nobody_was_told_of(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (under_a_tool())
		cannot_try("the tools have to be told of a fork");
	iv_init();
	expect(&sig, SIGUSR1, "parent");
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	assert_true(pid >= 0);
	if (pid == 0) {
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	run_rounds();
	assert_noted("");
	iv_signal_unregister(&sig);
	iv_deinit();
}

static int use_anew(void *arg)
{
	struct iv_signal own;

	(void)arg;
	raise(SIGUSR1);
	run_rounds();
	assert_noted("");

	expect(&own, SIGUSR1, "child");
	raise(SIGUSR1);
	run_rounds();
	assert_noted("child");

	iv_signal_unregister(&own);
	iv_signal_unregister(&sig);
	assert_true(is_default(SIGUSR1));
	iv_deinit();

	return 0;
}

static void a_child_that_goes_on_registers_its_own(void **state)
{
	(void)state;
	iv_init();
	expect(&sig, SIGUSR1, "parent");
	in_child(use_anew, NULL);
	assert_false(is_default(SIGUSR1));
	raise(SIGUSR1);
	run_rounds();
	assert_noted("parent");
	iv_signal_unregister(&sig);
	iv_deinit();
}

static int run_on(void *arg)
{
	(void)arg;
	run_rounds();
	assert_noted("");
	iv_deinit();

	return 0;
}

static void what_the_parent_had_taken_is_the_parents(void **state)
{
	(void)state;
	iv_init();
	expect(&sig, SIGUSR1, "parent");
	raise(SIGUSR1);
	in_child(run_on, NULL);
	run_rounds();
	assert_noted("parent");
	iv_signal_unregister(&sig);
	iv_deinit();
}

static atomic_bool stop;

static void *register_and_unregister(void *arg)
{
	struct iv_signal one;

	(void)arg;
	iv_init();
	while (!atomic_load(&stop)) {
		expect(&one, SIGUSR2, "never");
		iv_signal_unregister(&one);
	}
	iv_deinit();

	return NULL;
}

static int register_in_child(void *arg)
{
	struct iv_signal one;

	(void)arg;
	iv_init();
	expect(&one, SIGUSR2, "child");
	raise(SIGUSR2);
	run_rounds();
	assert_noted("child");
	iv_signal_unregister(&one);
	iv_deinit();

	leave_child(0);
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define UNDER_SANITIZER
#endif
#endif

static void need_locks_of_our_own(void)
{
#ifdef UNDER_SANITIZER
	cannot_try("a sanitizer's own locks do not survive such a fork");
#endif
}

static void fork_beside(pthread_t thread)
{
	int i, num = under_a_tool() ? 3 : 100;

	for (i = 0; i < num; i++)
		in_child(register_in_child, NULL);
	atomic_store(&stop, true);
	join_thread(thread);
}

/* A lock that another thread held at the fork must not stay locked. */
static void a_fork_amid_registrations_leaves_the_child_usable(void **state)
{
	(void)state;
	need_locks_of_our_own();
	fork_beside(start_thread(register_and_unregister, NULL));
}

enum { NUM_SERVED = 100 };

static sem_t receives;

/* So many that it is in the handler most of the time. */
static void *receive_signals(void *arg)
{
	struct iv_signal served[NUM_SERVED];
	int i;

	(void)arg;
	iv_init();
	for (i = 0; i < NUM_SERVED; i++)
		expect(&served[i], SIGUSR2, "never");
	sem_post(&receives);
	while (!atomic_load(&stop))
		raise(SIGUSR2);
	for (i = 0; i < NUM_SERVED; i++)
		iv_signal_unregister(&served[i]);
	iv_deinit();

	return NULL;
}

/* Nor must its handler be waited for when the child unregisters. */
static void a_fork_amid_signals_leaves_the_child_usable(void **state)
{
	pthread_t thread;

	(void)state;
	need_locks_of_our_own();
	sem_init(&receives, 0, 0);
	thread = start_thread(receive_signals, NULL);
	await(&receives);
	fork_beside(thread);
}

static const struct test_case cases[] = {
	TEST(a_forked_child_never_notifies_its_parent),
	TEST(nor_does_one_that_shares_its_memory),
	TEST(nor_does_one_whose_fork_nobody_was_told_of),
	TEST(a_child_that_goes_on_registers_its_own),
	TEST(what_the_parent_had_taken_is_the_parents),
	TEST(a_fork_amid_registrations_leaves_the_child_usable),
	TEST(a_fork_amid_signals_leaves_the_child_usable),
};

TEST_MAIN(cases)
