/* SPDX-License-Identifier: MIT */
/*
 * test_wait_spawn.c - start children so that no status is lost
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <iv_signal.h>
#include "wait_bed.h"

/* Stands in for the C library's, to have forks refused. */
static int fork_error;

pid_t fork(void)
{
	static pid_t (*next)(void);

	if (fork_error != 0) {
		errno = fork_error;
		return -1;
	}
	if (next == NULL)
		next = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");

	return next();
}

static int last_status, num_statuses;

static void take_status(void *cookie, int status, const struct rusage *rusage)
{
	(void)cookie;
	if (!is_end(status))
		return;
	assert_true(rusage->ru_maxrss > 0);
	last_status = status;
	num_statuses++;
	iv_quit();
}

/* Spawn, run to its end, and return the exit status. */
static int spawn_and_run(void (*fn)(void *cookie), void *cookie)
{
	struct iv_wait_interest child;

	memset(&child, 0xa5, sizeof(child));
	IV_WAIT_INTEREST_INIT(&child);
	child.handler = take_status;
	num_statuses = 0;
	assert_int_equal(iv_wait_interest_register_spawn(&child, fn, cookie),
			 0);
	assert_true(child.pid > 0);
	run_until_quit("the exit");
	assert_int_equal(num_statuses, 1);
	assert_true(WIFEXITED(last_status));
	iv_wait_interest_unregister(&child);

	return WEXITSTATUS(last_status);
}

static void exit_with(void *status)
{
	leave_child(*(int *)status);
}

static void the_child_runs_the_function(void **state)
{
	int status = 42;

	(void)state;
	iv_init();
	assert_int_equal(spawn_and_run(exit_with, &status), 42);
	iv_deinit();
}

static void return_at_once(void *cookie)
{
	(void)cookie;
}

static void when_it_returns_the_child_exits_with_1(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(spawn_and_run(return_at_once, NULL), 1);
	iv_deinit();
}

static void no_status_is_lost(void **state)
{
	int i, num = under_a_tool() ? 10 : 300;

	(void)state;
	iv_init();
	for (i = 0; i < num; i++) {
		int status = i % 200;

		assert_int_equal(spawn_and_run(exit_with, &status), status);
	}
	iv_deinit();
}

static void quit_on_signal(void *cookie)
{
	(void)cookie;
}

/* 0, or which rule was broken. */
static void check_signals(void *old_mask)
{
	struct sigaction action;
	sigset_t mask;
	int sig;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (sig = 1; sig < 32; sig++)
		if (sigismember(&mask, sig) != sigismember(old_mask, sig))
			leave_child(10);
	sigaction(SIGTERM, NULL, &action);
	if (action.sa_handler != SIG_DFL)
		leave_child(11);
	sigaction(SIGCHLD, NULL, &action);
	if (action.sa_handler != SIG_DFL)
		leave_child(12);
	leave_child(0);
}

static void the_child_has_default_actions_and_our_mask(void **state)
{
	struct iv_signal term;
	sigset_t mask;

	(void)state;
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	iv_init();
	IV_SIGNAL_INIT(&term);
	term.signum = SIGTERM;
	term.flags = 0;
	term.handler = quit_on_signal;
	assert_int_equal(iv_signal_register(&term), 0);
	assert_int_equal(spawn_and_run(check_signals, &mask), 0);

	/* Ours is as it was. */
	sigprocmask(SIG_SETMASK, NULL, &mask);
	assert_int_equal(sigismember(&mask, SIGUSR2), 1);
	assert_int_equal(sigismember(&mask, SIGTERM), 0);
	iv_signal_unregister(&term);
	iv_deinit();
}

static void use_a_loop(void *cookie)
{
	int status = 9;

	(void)cookie;
	iv_deinit();
	iv_init();
	leave_child(spawn_and_run(exit_with, &status) == 9 ? 0 : 1);
}

static void the_child_may_have_a_loop_and_children(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(spawn_and_run(use_a_loop, NULL), 0);
	iv_deinit();
}

static void a_refused_fork_is_an_error(void **state)
{
	struct iv_wait_interest child;
	struct sigaction action;

	(void)state;
	iv_init();
	child.handler = take_status;
	fork_error = EAGAIN;
	assert_int_equal(iv_wait_interest_register_spawn(&child, return_at_once,
							 NULL),
			 -1);
	assert_int_equal(errno, EAGAIN);
	fork_error = 0;
	iv_main();
	assert_int_equal(num_statuses, 0);
	assert_int_equal(sigaction(SIGCHLD, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_DFL);
	assert_int_equal(spawn_and_run(return_at_once, NULL), 1);
	iv_deinit();
}

static void without_descriptors_it_works_or_refuses(void **state)
{
	struct iv_wait_interest child;
	int num, ret, worked = 0;

	(void)state;
	for (num = 0; num <= 3; num++) {
		iv_init();
		child.handler = take_status;
		leave_descriptors(num);
		ret = iv_wait_interest_register_spawn(&child, return_at_once,
						      NULL);
		if (ret < 0) {
			assert_int_equal(errno, EMFILE);
			iv_main();
		} else {
			run_until_signal("the exit");
			assert_int_equal(WEXITSTATUS(last_status), 1);
			iv_wait_interest_unregister(&child);
			worked++;
		}
		give_descriptors_back();
		iv_deinit();
	}
	assert_in_range(worked, 1, 4);
}

/* There is no way to refuse: it looks at the child by itself. */
static void without_descriptors_registering_works(void **state)
{
	struct iv_wait_interest child;
	int num;

	(void)state;
	for (num = 0; num <= 3; num++) {
		iv_init();
		memset(&child, 0xa5, sizeof(child));
		child.handler = take_status;
		child.pid = fork();
		if (child.pid == 0)
			leave_child(8);
		leave_descriptors(num);
		iv_wait_interest_register(&child);
		run_until_signal("the exit");
		assert_int_equal(WEXITSTATUS(last_status), 8);
		iv_wait_interest_unregister(&child);
		give_descriptors_back();
		iv_main();
		iv_deinit();
	}
}

/* Registered without, ended when there were some again. */
static void it_recovers_when_descriptors_come_back(void **state)
{
	struct iv_wait_interest child;
	struct iv_timer timer;
	int fd[2];
	char c;

	(void)state;
	make_pipe(fd);
	iv_init();
	child.handler = take_status;
	child.pid = fork();
	if (child.pid == 0) {
		close(fd[1]);
		leave_child(read(fd[0], &c, 1) == 0 ? 8 : 9);
	}
	leave_descriptors(0);
	iv_wait_interest_register(&child);
	give_descriptors_back();
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(60);
	timer.handler = (void (*)(void *))iv_quit;
	iv_timer_register(&timer);
	iv_main();
	assert_int_equal(num_statuses, 0);
	close_both(fd);
	run_until_quit("the exit");
	assert_int_equal(WEXITSTATUS(last_status), 8);
	iv_wait_interest_unregister(&child);
	iv_deinit();
}

static void spawn(void *arg)
{
	iv_wait_interest_register_spawn(arg, return_at_once, NULL);
}

static void use_before_init_is_fatal(void **state)
{
	struct iv_wait_interest child;

	(void)state;
	child.handler = take_status;
	expect_fatal(spawn, &child, "iv_wait_interest_register_spawn",
		     "iv_init");
}

static const struct test_case cases[] = {
	TEST(the_child_runs_the_function),
	TEST(when_it_returns_the_child_exits_with_1),
	TEST(no_status_is_lost),
	TEST(the_child_has_default_actions_and_our_mask),
	TEST(the_child_may_have_a_loop_and_children),
	TEST(a_refused_fork_is_an_error),
	TEST(without_descriptors_it_works_or_refuses),
	TEST(without_descriptors_registering_works),
	TEST(it_recovers_when_descriptors_come_back),
	TEST(use_before_init_is_fatal),
};

TEST_MAIN(cases)
