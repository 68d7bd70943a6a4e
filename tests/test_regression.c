/* SPDX-License-Identifier: MIT */
/*
 * test_regression.c - what else has broken other event runtimes
 */
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>
#include <iv_event.h>
#include "harness.h"

static struct iv_fd fd;
static struct iv_timer end_timer;

static void watch(int number, void (*handler_in)(void *cookie))
{
	IV_FD_INIT(&fd);
	fd.fd = number;
	fd.cookie = "fd";
	fd.handler_in = handler_in;
	iv_fd_register(&fd);
}

static void start_end_timer(unsigned int delay_ms)
{
	IV_TIMER_INIT(&end_timer);
	end_timer.expires = after_ms(delay_ms);
	end_timer.cookie = "end";
	end_timer.handler = note_and_quit;
	iv_timer_register(&end_timer);
}

/* Descriptors *************************************************************/

struct reuser {
	struct iv_fd fd;
	int pipefd[2];
	struct reuser *other;
};

static struct reuser reusers[2];
static struct iv_fd newcomer;
static int quiet[2];

static void called_newcomer(void *cookie)
{
	(void)cookie;
	note("newcomer");
}

static void close_and_reuse(void *cookie)
{
	struct reuser *other = ((struct reuser *)cookie)->other;
	int number = other->fd.fd;

	note("first");
	iv_fd_unregister(&other->fd);
	close(number);
	assert_int_equal(dup2(quiet[0], number), number);
	IV_FD_INIT(&newcomer);
	newcomer.fd = number;
	newcomer.handler_in = called_newcomer;
	iv_fd_register(&newcomer);
	iv_fd_set_handler_in(&reusers[other == &reusers[0]].fd, NULL);
}

/* What was collected for the old owner of a number is not the new one's. */
static void a_number_reused_inside_a_batch_is_not_called(void **state)
{
	int i;

	(void)state;
	iv_init();
	make_pipe(quiet);
	for (i = 0; i < 2; i++) {
		make_pipe(reusers[i].pipefd);
		put_byte(reusers[i].pipefd[1]);
		reusers[i].other = &reusers[1 - i];
		IV_FD_INIT(&reusers[i].fd);
		reusers[i].fd.fd = reusers[i].pipefd[0];
		reusers[i].fd.cookie = &reusers[i];
		reusers[i].fd.handler_in = close_and_reuse;
		iv_fd_register(&reusers[i].fd);
	}
	start_end_timer(10);
	iv_main();
	assert_noted("first end");
	put_byte(quiet[1]);
	iv_fd_set_handler_in(&newcomer, note_and_quit);
	newcomer.cookie = "newcomer";
	run_until_quit("the new descriptor");
	assert_noted("newcomer");
	iv_fd_unregister(&newcomer);
	for (i = 0; i < 2; i++) {
		if (iv_fd_registered(&reusers[i].fd))
			iv_fd_unregister(&reusers[i].fd);
		close_both(reusers[i].pipefd);
	}
	close_both(quiet);
	iv_deinit();
}

/* Starvation **************************************************************/

static struct iv_timer zero_timer;
static struct iv_event event;
static int fd_calls, event_calls;

static void rearm(void *cookie)
{
	(void)cookie;
	zero_timer.expires = iv_now;
	iv_timer_register(&zero_timer);
	iv_event_post(&event);
}

static void end_when_both_were_called(void)
{
	if (fd_calls >= 3 && event_calls >= 3)
		iv_quit();
}

static void called_fd(void *cookie)
{
	(void)cookie;
	fd_calls++;
	end_when_both_were_called();
}

static void called_event(void *cookie)
{
	(void)cookie;
	event_calls++;
	end_when_both_were_called();
}

static void a_timer_that_rearms_for_now_starves_nobody(void **state)
{
	int pipefd[2];

	(void)state;
	iv_init();
	make_pipe(pipefd);
	put_byte(pipefd[1]);
	watch(pipefd[0], called_fd);
	event.handler = called_event;
	assert_int_equal(iv_event_register(&event), 0);
	IV_TIMER_INIT(&zero_timer);
	zero_timer.expires = iv_now;
	zero_timer.handler = rearm;
	iv_timer_register(&zero_timer);
	iv_main();
	iv_timer_unregister(&zero_timer);
	iv_event_unregister(&event);
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

/* Signals *****************************************************************/

static void ignore(int signum)
{
	(void)signum;
}

/* EINTR ends a wait, but neither the loop nor the time it has to wait. */
static void a_signal_during_a_wait_changes_nothing(void **state)
{
	struct sigaction action = { .sa_handler = ignore };
	const struct itimerval storm = { { 0, 1000 }, { 0, 1000 } };
	const struct itimerval calm = { { 0, 0 }, { 0, 0 } };
	struct timespec expires;

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	iv_init();
	start_end_timer(100);
	expires = end_timer.expires;
	setitimer(ITIMER_REAL, &storm, NULL);
	iv_main();
	setitimer(ITIMER_REAL, &calm, NULL);
	assert_noted("end");
	iv_invalidate_now();
	assert_true(compare_times(&iv_now, &expires) >= 0);
	iv_deinit();
}

/* Forking *****************************************************************/

static int deinit_in_child(void *arg)
{
	(void)arg;
	iv_fd_unregister(&fd);
	iv_deinit();

	return 0;
}

static void a_child_that_closes_its_loop_leaves_the_parents_alone(void **state)
{
	int pipefd[2];

	(void)state;
	iv_init();
	make_pipe(pipefd);
	watch(pipefd[0], note_and_quit);
	start_end_timer(1);
	iv_main();
	assert_noted("end");
	in_child(deinit_in_child, NULL);
	put_byte(pipefd[1]);
	run_until_quit("the descriptor");
	assert_noted("fd");
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

static int post_in_child(void *arg)
{
	(void)arg;
	iv_event_post(&event);
	run_until_quit("the event");
	iv_event_unregister(&event);
	iv_deinit();

	return 0;
}

static void a_post_pending_at_fork_is_not_stuck_in_the_child(void **state)
{
	(void)state;
	iv_init();
	event.cookie = "event";
	event.handler = note_and_quit;
	assert_int_equal(iv_event_register(&event), 0);
	iv_event_post(&event);
	in_child(post_in_child, NULL);
	run_until_quit("the event");
	assert_noted("event");
	iv_event_unregister(&event);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_number_reused_inside_a_batch_is_not_called),
	TEST(a_timer_that_rearms_for_now_starves_nobody),
	TEST(a_signal_during_a_wait_changes_nothing),
	TEST(a_child_that_closes_its_loop_leaves_the_parents_alone),
	TEST(a_post_pending_at_fork_is_not_stuck_in_the_child),
};

TEST_MAIN(cases)
