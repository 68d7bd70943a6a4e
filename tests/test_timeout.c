/* SPDX-License-Identifier: MIT */
/*
 * test_timeout.c - how long each method waits
 *
 * The calls that wait are counted by standing in for those of the C library;
 * a method that has others is only not counted.
 */
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <iv_event.h>
#include "harness.h"

static int waits, looks, armings;

static void *next_function(const char *name, bool look)
{
	if (look)
		looks++;
	else
		waits++;

	return dlsym(RTLD_NEXT, name);
}

static bool is_zero(const struct timespec *timeout)
{
	return timeout != NULL && timeout->tv_sec == 0 && timeout->tv_nsec == 0;
}

int poll(struct pollfd *fds, nfds_t num, int timeout_ms)
{
	int (*next)(struct pollfd *, nfds_t, int) =
		next_function("poll", timeout_ms == 0);

	return next(fds, num, timeout_ms);
}

int ppoll(struct pollfd *fds, nfds_t num, const struct timespec *timeout,
	  const sigset_t *mask)
{
	int (*next)(struct pollfd *, nfds_t, const struct timespec *,
		    const sigset_t *) =
		next_function("ppoll", is_zero(timeout));

	return next(fds, num, timeout, mask);
}

int epoll_wait(int epfd, struct epoll_event *events, int num, int timeout_ms)
{
	int (*next)(int, struct epoll_event *, int, int) =
		next_function("epoll_wait", timeout_ms == 0);

	return next(epfd, events, num, timeout_ms);
}

int epoll_pwait2(int epfd, struct epoll_event *events, int num,
		 const struct timespec *timeout, const sigset_t *mask)
{
	int (*next)(int, struct epoll_event *, int, const struct timespec *,
		    const sigset_t *) =
		next_function("epoll_pwait2", is_zero(timeout));

	return next(epfd, events, num, timeout, mask);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *at,
		    struct itimerspec *old)
{
	int (*next)(int, int, const struct itimerspec *, struct itimerspec *) =
		dlsym(RTLD_NEXT, "timerfd_settime");

	armings++;

	return next(fd, flags, at, old);
}

static bool method_is(const char *name)
{
	return strcmp(iv_poll_method_name(), name) == 0;
}

static void start_at(struct iv_timer *timer, struct timespec expires,
		     void *word, void (*handler)(void *cookie))
{
	IV_TIMER_INIT(timer);
	timer->expires = expires;
	timer->cookie = word;
	timer->handler = handler;
	iv_timer_register(timer);
}

static void
start(struct iv_timer *timer, long ms, void *word, void (*handler)(void *))
{
	start_at(timer, after_ms(ms), word, handler);
}

/* A pipe with a handler that notes and quits: an end that is no timer's. */
static struct iv_fd fd;
static int pipefd[2];

static void open_pipe(void)
{
	make_pipe(pipefd);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.cookie = "fd";
	fd.handler_in = note_and_quit;
	iv_fd_register(&fd);
}

static void close_pipe(void)
{
	iv_fd_unregister(&fd);
	close_both(pipefd);
}

/* One round in which the descriptor is ready. */
static void serve_pipe(void)
{
	put_byte(pipefd[1]);
	iv_main();
	assert_noted("fd");
	get_byte(pipefd[0]);
}

/* The end of a wait ********************************************************/

static void one_ends_when_a_timer_is_due(void **state)
{
	struct iv_timer timer;
	struct timespec due;
	int i;

	(void)state;
	iv_init();
	for (i = 1; i <= 20; i++) {
		start(&timer, i % 4, "timer", note);
		due = timer.expires;
		iv_main();
		assert_noted("timer");
		iv_invalidate_now();
		assert_true(compare_times(&iv_now, &due) >= 0);
	}
	iv_deinit();
}

/* A timeout cut to less than it is would have the loop look in vain. */
static void one_does_not_end_before(void **state)
{
	struct iv_timer timer;
	struct timespec due;
	int i;

	(void)state;
	iv_init();
	start(&timer, 1, "warm", note);
	iv_main();
	assert_noted("warm");
	waits = 0;
	looks = 0;
	for (i = 0; i < 10; i++) {
		due = after_ms(2);
		due.tv_nsec |= 1;
		start_at(&timer, due, "timer", note);
		iv_main();
		assert_noted("timer");
	}
	assert_in_range(waits, 0, 20);
	assert_in_range(looks, 0, 10);
	iv_deinit();
}

/* What is due already takes no wait, and does not keep the others waiting. */
static void none_is_made_for_what_is_due(void **state)
{
	static const struct timespec zero;
	struct iv_timer now, past, later;

	(void)state;
	iv_init();
	start(&later, 3600000, "later", note);
	start(&now, 0, "now", note_and_quit);
	start_at(&past, zero, "past", note);
	waits = 0;
	iv_main();
	assert_noted("past now");
	assert_int_equal(waits, 0);
	iv_timer_unregister(&later);
	iv_deinit();
}

static void one_for_thirty_years_ends_with_a_descriptor(void **state)
{
	static const time_t seconds[] = {
		3600,
		30 * 31557600L,
		292 * 31557600L,
		1L << 40,
	};
	struct iv_timer timer;
	struct timespec due;
	int i;

	(void)state;
	iv_init();
	open_pipe();
	for (i = 0; i < 4; i++) {
		due = after_ms(0);
		due.tv_sec += seconds[i];
		start_at(&timer, due, "timer", note);
		waits = 0;
		serve_pipe();
		assert_in_range(waits, 0, 4);
		iv_timer_unregister(&timer);
	}
	close_pipe();
	iv_deinit();
}

static void *write_to_pipe(void *unused)
{
	(void)unused;
	put_byte(pipefd[1]);

	return NULL;
}

static void one_without_timers_ends_with_a_descriptor(void **state)
{
	struct iv_timer timer;
	pthread_t thread;

	(void)state;
	iv_init();
	open_pipe();

	/* One that is gone leaves no trace but, at most, a wake too many. */
	start(&timer, 3600000, "timer", note);
	serve_pipe();
	iv_timer_unregister(&timer);
	waits = 0;
	looks = 0;
	thread = start_thread(write_to_pipe, NULL);
	iv_main();
	join_thread(thread);
	assert_noted("fd");
	assert_in_range(waits, 0, 4);
	/* io_uring asks poll() whether what was ready is so still. */
	if (!method_is("io_uring"))
		assert_int_equal(looks, 0);
	close_pipe();
	iv_deinit();
}

/* What was set for the later one must not make the sooner one late. */
static void a_sooner_timer_ends_one_set_for_a_later(void **state)
{
	struct iv_timer later, sooner;

	(void)state;
	iv_init();
	open_pipe();
	start(&later, 3600000, "later", note);
	serve_pipe();
	start(&sooner, 2, "sooner", note_and_quit);
	iv_main();
	assert_noted("sooner");
	iv_timer_unregister(&later);
	close_pipe();
	iv_deinit();
}

static void count(void *num)
{
	++*(int *)num;
}

/* One that goes off while the loop only looks is not waited for again. */
static struct iv_task look_again;
static struct timespec until;

static void keep_looking(void *unused)
{
	(void)unused;
	iv_invalidate_now();
	if (compare_times(&iv_now, &until) < 0)
		iv_task_register(&look_again);
}

static void one_behind_many_looks_ends_in_time(void **state)
{
	struct iv_timer first, second;
	int num_first = 0;

	(void)state;
	iv_init();
	open_pipe();
	start(&first, 2, &num_first, count);
	serve_pipe();
	IV_TASK_INIT(&look_again);
	look_again.handler = keep_looking;
	until = after_ms(6);
	iv_task_register(&look_again);
	start(&second, 9, "second", note_and_quit);
	iv_main();
	assert_int_equal(num_first, 1);
	assert_noted("second");
	close_pipe();
	iv_deinit();
}

/* Signals ******************************************************************/

static volatile sig_atomic_t num_signals;

static void count_signal(int signum)
{
	(void)signum;
	num_signals = num_signals + 1;
}

static void signals_neither_end_nor_prolong_one(void **state)
{
	static const struct itimerval storm = { { 0, 1000 }, { 0, 1000 } };
	static const struct itimerval calm;
	struct sigaction action = { .sa_handler = count_signal };
	struct iv_timer timer;
	struct timespec due;

	(void)state;
	iv_init();
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &storm, NULL), 0);
	iv_invalidate_now();
	start(&timer, 30, "timer", note);
	due = timer.expires;
	iv_main();
	assert_int_equal(setitimer(ITIMER_REAL, &calm, NULL), 0);
	assert_noted("timer");
	iv_invalidate_now();
	assert_true(compare_times(&iv_now, &due) >= 0);
	assert_true(num_signals > 0);
	iv_deinit();
}

/* System calls *************************************************************/

/* As servers do with each request: the connection's time starts again. */
static void a_timer_put_off_costs_no_call(void **state)
{
	struct iv_timer timer;
	int i;

	(void)state;
	iv_init();
	open_pipe();
	start(&timer, 3600000, "timer", note);
	serve_pipe();
	waits = 0;
	looks = 0;
	armings = 0;
	for (i = 0; i < 100; i++) {
		iv_timer_unregister(&timer);
		timer.expires = after_ms(3600000);
		iv_timer_register(&timer);
		serve_pipe();
	}
	assert_int_equal(armings, 0);
	assert_in_range(waits + looks, 0, 100);
	iv_timer_unregister(&timer);
	close_pipe();
	iv_deinit();
}

static void each_deadline_is_set_once(void **state)
{
	struct iv_timer timer;
	int i;

	(void)state;
	iv_init();
	armings = 0;
	for (i = 0; i < 5; i++) {
		start(&timer, 20, "timer", note);
		iv_main();
		assert_noted("timer");
	}
	if (method_is("epoll-timerfd"))
		assert_in_range(armings, 1, 15);
	else
		assert_int_equal(armings, 0);
	iv_deinit();
}

/* Fork *********************************************************************/

static struct iv_timer parents;

/* The child waits for something far away and leaves by its own pipe. */
static int wait_in_the_child(void *unused)
{
	struct iv_timer timer;

	(void)unused;
	iv_timer_unregister(&parents);
	start(&timer, 3600000, "late", note);
	open_pipe();
	serve_pipe();
	serve_pipe();
	close_pipe();
	iv_timer_unregister(&timer);

	return 0;
}

static void fork_and_wait(void *unused)
{
	(void)unused;
	get_byte(pipefd[0]);
	iv_fd_unregister(&fd);
	close_both(pipefd);
	in_child(wait_in_the_child, NULL);
}

/* It is set when the child comes to be, and goes off behind its end. */
static void a_childs_timers_leave_the_parents_alone(void **state)
{
	(void)state;
	iv_init();
	open_pipe();
	iv_fd_set_handler_in(&fd, fork_and_wait);
	put_byte(pipefd[1]);
	start(&parents, 300, "parents", note);
	iv_main();
	assert_noted("parents");
	iv_deinit();
}

static int fire_in_the_child(void *unused)
{
	(void)unused;
	iv_main();
	assert_noted("parents");

	return 0;
}

static void fork_and_fire(void *unused)
{
	(void)unused;
	get_byte(pipefd[0]);
	iv_fd_unregister(&fd);
	close_both(pipefd);
	in_child(fire_in_the_child, NULL);
}

static void a_timer_goes_off_on_both_sides_of_a_fork(void **state)
{
	(void)state;
	iv_init();
	open_pipe();
	iv_fd_set_handler_in(&fd, fork_and_fire);
	put_byte(pipefd[1]);
	start(&parents, 30, "parents", note);
	iv_main();
	assert_noted("parents");
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(one_ends_when_a_timer_is_due),
	TEST(one_does_not_end_before),
	TEST(none_is_made_for_what_is_due),
	TEST(one_for_thirty_years_ends_with_a_descriptor),
	TEST(one_without_timers_ends_with_a_descriptor),
	TEST(a_sooner_timer_ends_one_set_for_a_later),
	TEST(one_behind_many_looks_ends_in_time),
	TEST(signals_neither_end_nor_prolong_one),
	TEST(a_timer_put_off_costs_no_call),
	TEST(each_deadline_is_set_once),
	TEST(a_childs_timers_leave_the_parents_alone),
	TEST(a_timer_goes_off_on_both_sides_of_a_fork),
};

TEST_MAIN(cases)
