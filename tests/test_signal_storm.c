/* SPDX-License-Identifier: MIT */
/*
 * test_signal_storm.c - signals by the thousand, from everywhere, all the time
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_popen.h>
#include <iv_signal.h>
#include <iv_thread.h>
#include <iv_wait.h>
#include <iv_work.h>
#include "harness.h"
#include "signal_bed.h"

static void expect(struct iv_signal *sig, int signum,
		   void (*handler)(void *cookie), void *cookie)
{
	expect_signal(sig, signum, 0, handler, cookie);
}

static sigset_t alarm_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);

	return set;
}

static void start_storm(void)
{
	const struct itimerval every_ms = { { 0, 1000 }, { 0, 1000 } };
	const sigset_t set = alarm_set();

	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	setitimer(ITIMER_REAL, &every_ms, NULL);
}

/* The last one must not meet the default action, which is death. */
static void end_storm(void)
{
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	const struct timespec no_time = { 0, 0 };
	const sigset_t set = alarm_set();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	while (sigtimedwait(&set, NULL, &no_time) > 0)
		;
}

/* Each signal is answered *************************************************/

static sem_t answered;
static atomic_int sent;
static int last_seen, num_rounds;

/* What was written before the signal was sent is seen. */
static void answer(void *cookie)
{
	(void)cookie;
	last_seen = atomic_load(&sent);
	sem_post(&answered);
	if (last_seen == num_rounds)
		iv_quit();
}

static void *send_and_wait(void *arg)
{
	int i;

	for (i = 1; i <= num_rounds; i++) {
		atomic_store(&sent, i);
		kill(getpid(), SIGUSR1);
		await(&answered);
	}

	return arg;
}

static void nothing(void *cookie)
{
	(void)cookie;
}

static atomic_bool stop;

/* Interests come and go all the time beside the one that must be served. */
static void *come_and_go(void *arg)
{
	struct iv_signal one, two;

	iv_init();
	while (!atomic_load(&stop)) {
		expect(&one, SIGUSR1, nothing, NULL);
		expect(&two, SIGALRM, nothing, NULL);
		iv_signal_unregister(&one);
		memset(&one, 0xff, sizeof(one));
		iv_signal_unregister(&two);
		memset(&two, 0xff, sizeof(two));
	}
	iv_deinit();

	return arg;
}

static void each_signal_is_answered_in_a_storm(void **state)
{
	struct iv_signal usr1, alarm_;
	pthread_t sender, other;

	(void)state;
	num_rounds = under_a_tool() ? 50 : 3000;
	sem_init(&answered, 0, 0);
	iv_init();
	expect(&usr1, SIGUSR1, answer, NULL);
	expect(&alarm_, SIGALRM, nothing, NULL);
	start_storm();
	other = start_thread(come_and_go, NULL);
	sender = start_thread(send_and_wait, NULL);
	run_until_quit("the answer to the last signal");
	join_thread(sender);
	atomic_store(&stop, true);
	join_thread(other);
	end_storm();
	assert_int_equal(last_seen, num_rounds);
	iv_signal_unregister(&usr1);
	iv_signal_unregister(&alarm_);
	iv_deinit();
	sem_destroy(&answered);
}

/* Everything works in a storm *********************************************/

enum { WORK = 1, EVENT = 2, CHILD = 4, POPEN = 8, TIMER = 16, EVERYTHING = 31 };

static int done;

static void finish(int what)
{
	done |= what;
	if (done == EVERYTHING)
		iv_quit();
}

static struct iv_event event;
static struct iv_work_pool pool;
static struct iv_work_item item;
static struct iv_wait_interest child;
static struct iv_popen_request request;
static struct iv_timer timer;
static struct iv_fd output;

static void got_event(void *cookie)
{
	(void)cookie;
	iv_event_unregister(&event);
	finish(EVENT);
}

static void complete(void *cookie)
{
	(void)cookie;
	iv_work_pool_put(&pool);
	finish(WORK);
}

static void post(void *cookie)
{
	(void)cookie;
	iv_event_post(&event);
}

static void got_timer(void *cookie)
{
	(void)cookie;
	finish(TIMER);
}

static void got_child(void *cookie, int status, const struct rusage *rusage)
{
	(void)cookie;
	(void)rusage;
	if (WIFSTOPPED(status) || WIFCONTINUED(status))
		return;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	iv_wait_interest_unregister(&child);
	finish(CHILD);
}

static void exit_with_7(void *cookie)
{
	(void)cookie;
	leave_child(7);
}

static void got_output(void *cookie)
{
	char buf[64];
	ssize_t len = read(output.fd, buf, sizeof(buf));

	(void)cookie;
	if (len > 0 || (len < 0 && errno == EAGAIN))
		return;
	assert_int_equal(len, 0);
	iv_fd_unregister(&output);
	close(output.fd);
	iv_popen_request_close(&request);
	finish(POPEN);
}

static void start_popen(void)
{
	static char *argv[] = { "echo", "x", NULL };

	request.file = "echo";
	request.argv = argv;
	request.type = "r";
	IV_FD_INIT(&output);
	output.fd = iv_popen_request_submit(&request);
	assert_true(output.fd >= 0);
	output.handler_in = got_output;
	iv_fd_register(&output);
}

static void use_everything(void)
{
	done = 0;
	event.handler = got_event;
	assert_int_equal(iv_event_register(&event), 0);
	assert_int_equal(iv_thread_create("poster", post, NULL), 0);
	pool.max_threads = 2;
	assert_int_equal(iv_work_pool_create(&pool), 0);
	item.work = nothing;
	item.completion = complete;
	iv_work_pool_submit_work(&pool, &item);
	child.handler = got_child;
	assert_int_equal(
		iv_wait_interest_register_spawn(&child, exit_with_7, NULL), 0);
	start_popen();
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(2);
	timer.handler = got_timer;
	iv_timer_register(&timer);
	run_until_quit("everything that was started");
	assert_int_equal(done, EVERYTHING);
}

static void everything_works_in_a_storm(void **state)
{
	struct iv_signal alarm_;
	int i, num = under_a_tool() ? 2 : 50;

	(void)state;
	for (i = 0; i < num; i++) {
		iv_init();
		expect(&alarm_, SIGALRM, nothing, NULL);
		start_storm();
		use_everything();
		/* What is left ends by itself. */
		end_storm();
		iv_signal_unregister(&alarm_);
		iv_main();
		iv_deinit();
	}
}

/* Unregistering against handlers that are running *************************/

static void *send_all_the_time(void *arg)
{
	while (!atomic_load(&stop)) {
		pthread_kill(pthread_self(), SIGUSR1);
		if (under_a_tool())
			sched_yield();
	}

	return arg;
}

enum { KEPT = 100 };

/*
 * While two threads do nothing but receive the signal. The many that stay make
 * the way of a handler along the line a long one.
 */
static void a_handler_never_touches_what_is_gone(void **state)
{
	int i, num = under_a_tool() ? 100 : 2000;
	struct iv_signal keep[KEPT], *sig;
	pthread_t sender[2];

	(void)state;
	iv_init();
	for (i = 0; i < KEPT; i++)
		expect(&keep[i], SIGUSR1, nothing, NULL);
	sender[0] = start_thread(send_all_the_time, NULL);
	sender[1] = start_thread(send_all_the_time, NULL);
	for (i = 0; i < num; i++) {
		sig = malloc(sizeof(*sig));
		assert_non_null(sig);
		expect(sig, SIGUSR1, nothing, NULL);
		iv_signal_unregister(sig);
		memset(sig, 0xff, sizeof(*sig));
		free(sig);
	}
	atomic_store(&stop, true);
	join_thread(sender[0]);
	join_thread(sender[1]);
	for (i = 0; i < KEPT; i++)
		iv_signal_unregister(&keep[i]);
	iv_deinit();
}

static bool is_empty(int fd)
{
	char c;

	return read(fd, &c, 1) < 0 && errno == EAGAIN;
}

/* Its loop closes while handlers post to it; a pipe takes the numbers over. */
static void *open_and_close_loops(void *arg)
{
	int *num = arg, i, fd[2];
	struct iv_signal sig;
	void *failed = NULL;

	for (i = 0; i < *num && failed == NULL; i++) {
		iv_init();
		expect(&sig, SIGUSR1, nothing, NULL);
		if (i % 2 == 0)
			iv_signal_unregister(&sig);
		iv_deinit();
		if (pipe2(fd, O_NONBLOCK | O_CLOEXEC) != 0)
			abort();
		sched_yield();
		if (!is_empty(fd[0]))
			failed = arg;
		close(fd[0]);
		close(fd[1]);
	}

	return failed;
}

static void a_closed_loops_descriptors_are_not_written_to(void **state)
{
	int num = under_a_tool() ? 20 : 300;
	pthread_t sender, loops;
	struct iv_signal keep;

	(void)state;
	iv_init();
	expect(&keep, SIGUSR1, nothing, NULL);
	sender = start_thread(send_all_the_time, NULL);
	loops = start_thread(open_and_close_loops, &num);
	assert_null(join_thread(loops));
	atomic_store(&stop, true);
	join_thread(sender);
	iv_signal_unregister(&keep);
	iv_deinit();
}

/* Cancellation ************************************************************/

static atomic_bool cancelled, survived;

/* The first thread's, whose loop the handler then has to wake. */
static bool main_thread_sleeps(void)
{
	char text[256], *state;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[len < 0 ? 0 : len] = '\0';
	state = strrchr(text, ')');

	return state != NULL && state[2] == 'S';
}

/* The request is there already when the signal arrives. */
static void *receive_while_cancelled(void *arg)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (!atomic_load(&cancelled) || !main_thread_sleeps())
		sched_yield();
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	pthread_kill(pthread_self(), SIGUSR1);
	atomic_store(&survived, true);
	for (;;)
		pthread_testcancel();

	return arg;
}

/* Else it would count as a reader for ever, and unregistering hang. */
static void a_thread_is_not_cancelled_in_the_handler(void **state)
{
	struct iv_signal sig;
	pthread_t thread;

	(void)state;
	iv_init();
	expect(&sig, SIGUSR1, quit, NULL);
	thread = start_thread(receive_while_cancelled, NULL);
	pthread_cancel(thread);
	atomic_store(&cancelled, true);
	run_until_quit("the signal");
	assert_ptr_equal(join_thread(thread), PTHREAD_CANCELED);
	assert_true(atomic_load(&survived));
	iv_signal_unregister(&sig);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(each_signal_is_answered_in_a_storm),
	TEST(everything_works_in_a_storm),
	TEST(a_handler_never_touches_what_is_gone),
	TEST(a_closed_loops_descriptors_are_not_written_to),
	TEST(a_thread_is_not_cancelled_in_the_handler),
};

TEST_MAIN(cases)
