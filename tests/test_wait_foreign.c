/* SPDX-License-Identifier: MIT */
/*
 * test_wait_foreign.c - children of others, and who may be killed
 */
#include <errno.h>
#include <signal.h>
#include "wait_bed.h"

/* Children of others ******************************************************/

static void a_foreign_child_disturbs_nothing_and_is_not_stolen(void **state)
{
	struct iv_wait_interest child;
	struct record rec;
	pid_t foreign[6];
	int status, i;

	(void)state;
	iv_init();
	fill(&child, &rec, 1);
	for (i = 0; i < 6; i++) {
		/* Some are older than ours, some younger. */
		if (i == 3) {
			child.pid = fork_exiting(1);
			iv_wait_interest_register(&child);
		}
		foreign[i] = fork_exiting(50 + i);
		wait_until_dead(foreign[i]);
	}
	run_until_quit("the exit");
	assert_exited(rec.status[0], 1);
	for (i = 0; i < 6; i++) {
		assert_int_equal(waitpid(foreign[i], &status, 0), foreign[i]);
		assert_exited(status, 50 + i);
	}
	iv_wait_interest_unregister(&child);
	iv_deinit();
}

static void a_status_that_others_took_is_told_as_255(void **state)
{
	struct iv_wait_interest child;
	struct record rec;
	int status;

	(void)state;
	iv_init();
	fill(&child, &rec, 1);
	child.pid = fork_exiting(1);
	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	iv_wait_interest_register(&child);
	run_until_quit("the lost exit");
	assert_exited(rec.status[0], 255);
	assert_int_equal(rec.maxrss, 0);
	assert_int_equal(iv_wait_interest_kill(&child, SIGKILL), -ESRCH);
	iv_wait_interest_unregister(&child);
	iv_deinit();
}

/* Kill ********************************************************************/

static void kill_reports_errors_and_esrch_after_death(void **state)
{
	struct iv_wait_interest child;
	struct record rec;
	int fd[2];

	(void)state;
	iv_init();
	fill(&child, &rec, 1);
	child.pid = fork_waiting(fd);
	iv_wait_interest_register(&child);
	assert_int_equal(iv_wait_interest_kill(&child, 0), 0);
	errno = 0;
	assert_int_equal(iv_wait_interest_kill(&child, 1000), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(iv_wait_interest_kill(&child, SIGTERM), 0);
	run_until_quit("the kill");
	assert_true(WIFSIGNALED(rec.status[0]));
	assert_int_equal(WTERMSIG(rec.status[0]), SIGTERM);
	errno = 0;
	assert_int_equal(iv_wait_interest_kill(&child, SIGTERM), -ESRCH);
	assert_int_equal(errno, ESRCH);
	iv_wait_interest_unregister(&child);
	close(fd[1]);
	iv_deinit();
}

/* In our place nobody can wait for it, so its pid may be used again. */
static int kill_in_child(void *child)
{
	return iv_wait_interest_kill(child, SIGKILL) == -ESRCH ? 0 : 1;
}

static int run_in_child(void *child)
{
	struct iv_timer timer;

	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(1);
	timer.cookie = child;
	timer.handler = (void (*)(void *))iv_wait_interest_unregister;
	iv_timer_register(&timer);
	iv_main();
	iv_deinit();
	assert_noted("");

	return 0;
}

static void note_status(void *cookie, int status, const struct rusage *rusage)
{
	(void)rusage;
	if (!is_end(status))
		return;
	note(WIFEXITED(status) && WEXITSTATUS(status) == 3 ? "exit" : "wrong");
	iv_wait_interest_unregister(cookie);
}

static void a_forked_child_leaves_the_parents_children_alone(void **state)
{
	struct iv_wait_interest child;
	int fd[2];

	(void)state;
	iv_init();
	child.cookie = &child;
	child.handler = note_status;
	child.pid = fork_waiting(fd);
	iv_wait_interest_register(&child);
	in_child(kill_in_child, &child);
	in_child(run_in_child, &child);
	close(fd[1]);
	wait_until_dead(child.pid);
	in_child(run_in_child, &child);
	iv_main();
	assert_noted("exit");
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_foreign_child_disturbs_nothing_and_is_not_stolen),
	TEST(a_status_that_others_took_is_told_as_255),
	TEST(kill_reports_errors_and_esrch_after_death),
	TEST(a_forked_child_leaves_the_parents_children_alone),
};

TEST_MAIN(cases)
