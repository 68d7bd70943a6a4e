/* SPDX-License-Identifier: MIT */
/*
 * test_wait.c - learn how child processes stop, continue and end
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include "wait_bed.h"

static void an_exit_is_reported_with_its_rusage(void **state)
{
	struct iv_wait_interest child;
	struct record rec;
	int fd[2];

	(void)state;
	iv_init();
	fill(&child, &rec, 1);
	child.pid = fork_waiting(fd);
	iv_wait_interest_register(&child);
	close(fd[1]);
	run_until_quit("the exit");
	assert_exited(rec.status[0], 3);
	assert_true(rec.maxrss > 0);
	assert_int_equal(waitpid(child.pid, NULL, WNOHANG), -1);
	iv_wait_interest_unregister(&child);
	iv_deinit();
}

static void a_child_already_dead_is_reported(void **state)
{
	struct iv_wait_interest child;
	struct record rec;

	(void)state;
	iv_init();
	fill(&child, &rec, 1);
	child.pid = fork_exiting(5);
	wait_until_dead(child.pid);
	iv_wait_interest_register(&child);
	assert_int_equal(rec.num, 0);
	run_until_quit("the exit");
	assert_exited(rec.status[0], 5);
	iv_wait_interest_unregister(&child);
	iv_deinit();
}

static void send_stop(void *child)
{
	iv_wait_interest_kill(child, SIGSTOP);
}

/* Each status leads to the next signal. */
static void step(void *cookie, int status, const struct rusage *rusage)
{
	struct iv_wait_interest *child = cookie;

	(void)rusage;
	if (WIFSTOPPED(status)) {
		note(WSTOPSIG(status) == SIGSTOP ? "stop" : "wrong");
		assert_int_equal(iv_wait_interest_kill(child, SIGCONT), 0);
	} else if (WIFCONTINUED(status)) {
		note("continue");
		assert_int_equal(iv_wait_interest_kill(child, SIGKILL), 0);
	} else {
		note(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
			     ? "killed"
			     : "wrong");
		iv_quit();
	}
}

static void stop_continue_and_kill_are_reported(void **state)
{
	struct iv_wait_interest child;
	struct iv_task task;
	int fd[2];

	(void)state;
	iv_init();
	memset(&child, 0xa5, sizeof(child));
	IV_WAIT_INTEREST_INIT(&child);
	child.cookie = &child;
	child.handler = step;
	child.pid = fork_waiting(fd);
	iv_wait_interest_register(&child);
	IV_TASK_INIT(&task);
	task.cookie = &child;
	task.handler = send_stop;
	iv_task_register(&task);
	run_until_signal("the kill");
	assert_noted("stop continue killed");
	iv_wait_interest_unregister(&child);
	close(fd[1]);
	iv_deinit();
}

/* The alarm is what ends it, or else it returns. */
static int run_until_alarm(void *arg)
{
	const struct itimerval in_50_ms = { { 0, 0 }, { 0, 50000 } };
	struct iv_wait_interest child;
	struct record rec;

	(void)arg;
	iv_init();
	fill(&child, &rec, 1);
	child.pid = fork_exiting(0);
	iv_wait_interest_register(&child);
	run_until_quit("the exit");
	setitimer(ITIMER_REAL, &in_50_ms, NULL);
	iv_main();
	iv_deinit();

	return 0;
}

static void a_dead_child_stays_registered_and_keeps_the_loop(void **state)
{
	int status = status_of_child(run_until_alarm, NULL);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGALRM);
}

static void unregistering_does_not_reap(void **state)
{
	struct iv_wait_interest child;
	struct record rec;
	int status;

	(void)state;
	iv_init();
	fill(&child, &rec, 0);
	child.pid = fork_exiting(6);
	iv_wait_interest_register(&child);
	wait_until_dead(child.pid);
	iv_wait_interest_unregister(&child);
	iv_main();
	assert_int_equal(rec.num, 0);
	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	assert_exited(status, 6);
	iv_deinit();
}

static void
unregister_and_free(void *cookie, int status, const struct rusage *rusage)
{
	(void)status;
	(void)rusage;
	iv_wait_interest_unregister(cookie);
	memset(cookie, 0xff, sizeof(struct iv_wait_interest));
	free(cookie);
	note("freed");
}

static void unregister_and_free_from_its_own_handler(void **state)
{
	struct iv_wait_interest *child[3];
	int i;

	(void)state;
	iv_init();
	for (i = 0; i < 3; i++) {
		child[i] = malloc(sizeof(*child[i]));
		assert_non_null(child[i]);
		memset(child[i], 0xa5, sizeof(*child[i]));
		child[i]->cookie = child[i];
		child[i]->handler = unregister_and_free;
		child[i]->pid = fork_exiting(0);
		iv_wait_interest_register(child[i]);
	}
	iv_main();
	assert_noted("freed freed freed");
	iv_deinit();
}

static struct iv_wait_interest pair[2];

static void
unregister_both(void *cookie, int status, const struct rusage *rusage)
{
	(void)cookie;
	(void)status;
	(void)rusage;
	note("called");
	iv_wait_interest_unregister(&pair[0]);
	iv_wait_interest_unregister(&pair[1]);
}

static void a_handler_may_unregister_its_sibling(void **state)
{
	int i;

	(void)state;
	iv_init();
	for (i = 0; i < 2; i++) {
		pair[i].handler = unregister_both;
		pair[i].pid = fork_exiting(0);
		wait_until_dead(pair[i].pid);
		iv_wait_interest_register(&pair[i]);
	}
	iv_main();
	assert_noted("called");
	iv_deinit();
	/* One of the two was not waited for. */
	assert_int_equal(waitpid(pair[0].pid, NULL, 0) > 0,
			 waitpid(pair[1].pid, NULL, 0) < 0);
}

/* The end of a loop *******************************************************/

static void deinit_lets_registered_ones_go(void **state)
{
	struct iv_wait_interest child;
	struct record rec;
	int fd[2], status;

	(void)state;
	iv_init();
	fill(&child, &rec, 0);
	child.pid = fork_waiting(fd);
	iv_wait_interest_register(&child);
	iv_deinit();
	memset(&child.private_, 0xff, sizeof(child.private_));

	iv_init();
	close(fd[1]);
	wait_until_dead(child.pid);
	iv_wait_interest_register(&child);
	rec.wanted = 1;
	run_until_quit("the exit");
	assert_exited(rec.status[0], 3);
	iv_wait_interest_unregister(&child);
	iv_deinit();
	assert_int_equal(waitpid(child.pid, &status, 0), -1);
}

static void *end_with_it_registered(void *arg)
{
	struct iv_wait_interest child;
	struct record rec;

	iv_init();
	fill(&child, &rec, 0);
	child.pid = *(pid_t *)arg;
	iv_wait_interest_register(&child);

	return NULL;
}

static void a_thread_may_end_with_children_registered(void **state)
{
	int fd[2], status;
	pid_t pid = fork_waiting(fd);

	(void)state;
	in_thread(end_with_it_registered, &pid);
	close(fd[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_exited(status, 3);
}

/* Errors ******************************************************************/

static void register_pid(void *pid)
{
	struct iv_wait_interest child;
	struct record rec;

	fill(&child, &rec, 0);
	child.pid = *(pid_t *)pid;
	iv_wait_interest_register(&child);
}

static void register_bad_pid(void *pid)
{
	iv_init();
	register_pid(pid);
}

static void unregister(void *child)
{
	iv_wait_interest_unregister(child);
}

static void misuse_is_fatal(void **state)
{
	static const pid_t bad[] = { 0, -1, -1000 };
	struct iv_wait_interest child;
	struct record rec;
	pid_t pid;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		pid = bad[i];
		expect_fatal(register_bad_pid, &pid,
			     "iv_wait_interest_register", "pid");
	}
	expect_fatal(register_pid, &pid, "iv_wait_interest_register",
		     "iv_init");

	iv_init();
	fill(&child, &rec, 1);
	child.pid = fork_exiting(0);
	iv_wait_interest_register(&child);
	expect_fatal_elsewhere(unregister, &child,
			       "iv_wait_interest_unregister",
			       "another thread's loop");
	run_until_quit("the exit");
	iv_wait_interest_unregister(&child);
	expect_fatal(unregister, &child, "iv_wait_interest_unregister",
		     "not registered");
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(an_exit_is_reported_with_its_rusage),
	TEST(a_child_already_dead_is_reported),
	TEST(stop_continue_and_kill_are_reported),
	TEST(a_dead_child_stays_registered_and_keeps_the_loop),
	TEST(unregistering_does_not_reap),
	TEST(unregister_and_free_from_its_own_handler),
	TEST(a_handler_may_unregister_its_sibling),
	TEST(deinit_lets_registered_ones_go),
	TEST(a_thread_may_end_with_children_registered),
	TEST(misuse_is_fatal),
};

TEST_MAIN(cases)
