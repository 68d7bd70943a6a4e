/* SPDX-License-Identifier: MIT */
/*
 * test_wait_many.c - children by the thousand, and a SIGCHLD that is not ours
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "harness.h"
#include "signal_bed.h"
#include "wait_bed.h"

/* Two loops ***************************************************************/

enum { LOOPS = 2, MAX_CHILDREN = 500 };

struct one {
	struct iv_wait_interest interest;
	struct group *group;
	int code;
	int calls;
};

struct group {
	pthread_t thread;
	pthread_barrier_t *started;
	const int *go; /* the children end when nobody can write to it */
	int num, left;
	bool wrong;
	struct one child[MAX_CHILDREN];
};

static void take(void *cookie, int status, const struct rusage *rusage)
{
	struct one *one = cookie;

	if (!is_end(status))
		return;
	if (one->calls++ > 0 || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != one->code || rusage->ru_maxrss == 0)
		one->group->wrong = true;
	if (--one->group->left == 0)
		iv_quit();
}

static void end_on_go(void *cookie)
{
	struct one *one = cookie;
	char c;

	close(one->group->go[1]);
	leave_child(read(one->group->go[0], &c, 1) == 0 ? one->code : 255);
}

static void *run_group(void *cookie)
{
	struct group *group = cookie;
	int i;

	iv_init();
	group->left = group->num;
	for (i = 0; i < group->num; i++) {
		struct one *one = &group->child[i];

		one->group = group;
		one->code = i % 200;
		one->interest.cookie = one;
		one->interest.handler = take;
		if (iv_wait_interest_register_spawn(&one->interest, end_on_go,
						    one) != 0)
			abort();
	}
	pthread_barrier_wait(group->started);
	run_until_quit("the children");
	for (i = 0; i < group->num; i++) {
		iv_wait_interest_unregister(&group->child[i].interest);
		if (group->child[i].calls != 1)
			group->wrong = true;
	}
	iv_deinit();

	return NULL;
}

enum { FOREIGN = 20 };

static void fork_foreign(pid_t foreign[FOREIGN], const int go[2])
{
	int i;
	char c;

	for (i = 0; i < FOREIGN; i++) {
		foreign[i] = fork();
		assert_true(foreign[i] >= 0);
		if (foreign[i] == 0) {
			close(go[1]);
			leave_child(read(go[0], &c, 1) == 0 ? i : 255);
		}
	}
}

static void a_thousand_at_once_over_two_loops(void **state)
{
	static struct group group[LOOPS];
	pthread_barrier_t started;
	int go[2], i, status;
	pid_t foreign[FOREIGN];

	(void)state;
	make_pipe(go);
	fork_foreign(foreign, go);
	pthread_barrier_init(&started, NULL, LOOPS + 1);
	for (i = 0; i < LOOPS; i++) {
		group[i].num = under_a_tool() ? 10 : MAX_CHILDREN;
		group[i].go = go;
		group[i].started = &started;
		group[i].thread = start_thread(run_group, &group[i]);
	}
	pthread_barrier_wait(&started);
	close(go[1]);
	for (i = 0; i < LOOPS; i++) {
		join_thread(group[i].thread);
		assert_false(group[i].wrong);
	}

	/* Beside them ended children that are nobody's but ours. */
	for (i = 0; i < FOREIGN; i++) {
		assert_int_equal(waitpid(foreign[i], &status, 0), foreign[i]);
		assert_int_equal(WEXITSTATUS(status), i);
	}
	pthread_barrier_destroy(&started);
	close(go[0]);
}

/* Killing from another thread *********************************************/

static struct iv_wait_interest target;

/* Until it is told that the child has ended. */
static void *kill_until_gone(void *arg)
{
	int ret;

	do {
		ret = iv_wait_interest_kill(&target, SIGTERM);
		sched_yield();
	} while (ret == 0);

	return ret == -ESRCH ? NULL : arg;
}

static void wait_for_signal(void *cookie)
{
	(void)cookie;
	for (;;)
		pause();
}

static void
count_and_quit(void *cookie, int status, const struct rusage *rusage)
{
	(void)rusage;
	if (!is_end(status))
		return;
	*(int *)cookie = status;
	iv_quit();
}

static void a_kill_in_another_thread_ends_in_esrch(void **state)
{
	int i, num = under_a_tool() ? 5 : 200, status = 0;
	pthread_t killer;

	(void)state;
	iv_init();
	for (i = 0; i < num; i++) {
		target.cookie = &status;
		target.handler = count_and_quit;
		assert_int_equal(iv_wait_interest_register_spawn(
					 &target, wait_for_signal, NULL),
				 0);
		killer = start_thread(kill_until_gone, &status);
		run_until_quit("the kill");
		assert_null(join_thread(killer));
		assert_true(WIFSIGNALED(status));
		iv_wait_interest_unregister(&target);
	}
	iv_deinit();
}

/* Without pidfd ***********************************************************/

/* From here on pidfd_open() fails, as with an old kernel or a filter. */
static void refuse_pidfds(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO | (unsigned int)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		cannot_try("no seccomp filter can be installed");
}

static bool has_pidfds(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd >= 0)
		close(fd);

	return fd >= 0;
}

static void step(void *cookie, int status, const struct rusage *rusage)
{
	(void)cookie;
	(void)rusage;
	if (WIFSTOPPED(status)) {
		note("stop");
		iv_wait_interest_kill(&target, SIGCONT);
	} else if (WIFCONTINUED(status)) {
		note("continue");
		iv_wait_interest_kill(&target, SIGKILL);
	} else {
		note(WIFSIGNALED(status) ? "killed" : "wrong");
		iv_quit();
	}
}

static void stop_self_and_wait(void *cookie)
{
	raise(SIGSTOP);
	wait_for_signal(cookie);
}

static void run_without_pidfds(int error)
{
	refuse_pidfds(error);
	assert_false(has_pidfds());
	iv_init();
	target.handler = step;
	assert_int_equal(iv_wait_interest_register_spawn(
				 &target, stop_self_and_wait, NULL),
			 0);
	run_until_signal("the kill");
	assert_noted("stop continue killed");
	assert_int_equal(iv_wait_interest_kill(&target, 0), -ESRCH);
	iv_wait_interest_unregister(&target);
	iv_deinit();
}

static void a_kernel_without_pidfds_does_as_well(void **state)
{
	(void)state;
	run_without_pidfds(ENOSYS);
}

static void so_does_one_that_forbids_them(void **state)
{
	(void)state;
	run_without_pidfds(EPERM);
}

static void so_does_one_that_has_none_left(void **state)
{
	(void)state;
	run_without_pidfds(EMFILE);
}

/* A SIGCHLD that is not ours **********************************************/

static int go[2];

static void exit_on_go(void *cookie)
{
	char c;

	(void)cookie;
	close(go[1]);
	leave_child(read(go[0], &c, 1) == 0 ? 4 : 5);
}

static int exit_status;

static void take_exit(void *cookie, int status, const struct rusage *rusage)
{
	(void)cookie;
	(void)rusage;
	if (!is_end(status))
		return;
	exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	iv_quit();
}

static void begin(void)
{
	make_pipe(go);
	iv_init();
	target.handler = take_exit;
	assert_int_equal(
		iv_wait_interest_register_spawn(&target, exit_on_go, NULL), 0);
}

static void end(int code)
{
	close(go[1]);
	run_until_quit("the exit");
	close(go[0]);
	assert_int_equal(exit_status, code);
	iv_wait_interest_unregister(&target);
	iv_deinit();
}

static void ignored_before_it_is_not_ignored_any_more(void **state)
{
	(void)state;
	signal(SIGCHLD, SIG_IGN);
	begin();
	end(4);
}

static void ignored_later_the_status_is_lost_but_the_end_is_told(void **state)
{
	(void)state;
	if (!has_pidfds())
		cannot_try("no pidfd_open() here");
	begin();
	signal(SIGCHLD, SIG_IGN);
	end(255);
}

static void take_over(int sig)
{
	(void)sig;
}

static void taken_over_the_end_is_told(void **state)
{
	(void)state;
	if (!has_pidfds())
		cannot_try("no pidfd_open() here");
	begin();
	signal(SIGCHLD, take_over);
	end(4);
}

static void blocked_in_all_threads_the_end_is_told(void **state)
{
	sigset_t set;

	(void)state;
	if (!has_pidfds())
		cannot_try("no pidfd_open() here");
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	begin();
	end(4);
}

enum { EXIT = 1, SIGNAL = 2 };

static int seen;

static void see(int what)
{
	seen |= what;
	if (seen == (EXIT | SIGNAL))
		iv_quit();
}

static void see_signal(void *cookie)
{
	(void)cookie;
	see(SIGNAL);
}

static void see_exit(void *cookie, int status, const struct rusage *rusage)
{
	take_exit(cookie, status, rusage);
	if (is_end(status))
		see(EXIT);
}

static void an_exclusive_sigchld_of_the_program_takes_nothing(void **state)
{
	struct iv_signal own;

	(void)state;
	refuse_pidfds(ENOSYS);
	begin();
	target.handler = see_exit;
	expect_signal(&own, SIGCHLD,
		      IV_SIGNAL_FLAG_EXCLUSIVE | IV_SIGNAL_FLAG_THIS_THREAD,
		      see_signal, NULL);
	close(go[1]);
	while (seen != (EXIT | SIGNAL))
		run_until_signal("the exit and the signal");
	close(go[0]);
	assert_int_equal(exit_status, 4);
	iv_wait_interest_unregister(&target);
	iv_signal_unregister(&own);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_thousand_at_once_over_two_loops),
	TEST(a_kill_in_another_thread_ends_in_esrch),
	TEST(a_kernel_without_pidfds_does_as_well),
	TEST(so_does_one_that_forbids_them),
	TEST(so_does_one_that_has_none_left),
	TEST(ignored_before_it_is_not_ignored_any_more),
	TEST(ignored_later_the_status_is_lost_but_the_end_is_told),
	TEST(taken_over_the_end_is_told),
	TEST(blocked_in_all_threads_the_end_is_told),
	TEST(an_exclusive_sigchld_of_the_program_takes_nothing),
};

TEST_MAIN(cases)
