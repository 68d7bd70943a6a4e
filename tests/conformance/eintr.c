/* SPDX-License-Identifier: MIT */
/*
 * eintr.c - waits cut short by signals: nothing lost, no timer early
 *
 * The handlers do nothing and are installed without SA_RESTART.
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <unistd.h>
#include <iv_event.h>
#include "suite.h"

static atomic_int signals;

static void ignore(int signum)
{
	(void)signum;
	atomic_fetch_add_explicit(&signals, 1, memory_order_relaxed);
}

static void install(int signum)
{
	struct sigaction action = { .sa_handler = ignore };

	sigemptyset(&action.sa_mask);
	sigaction(signum, &action, NULL);
}

static void set_interval_us(int us)
{
	struct itimerval interval = {
		.it_interval.tv_usec = us,
		.it_value.tv_usec = us,
	};

	assert_int_equal(setitimer(ITIMER_REAL, &interval, NULL), 0);
}

/* A thousand signals a second, or as many as a tool gets along with. */
static void begin_storm(void)
{
	install(SIGALRM);
	set_interval_us(under_a_tool() ? 20000 : 1000);
}

static void end_storm(void)
{
	set_interval_us(0);
	signal(SIGALRM, SIG_IGN);
}

static struct iv_timer timers[20];
static int left;

static void check_not_early(void *cookie)
{
	struct iv_timer *timer = cookie;

	iv_invalidate_now();
	if (compare_times(&iv_now, &timer->expires) < 0)
		fail_msg("a timer is early");
	if (--left == 0)
		iv_quit();
}

static void start_timers(void)
{
	int i;

	left = 20;
	for (i = 0; i < 20; i++) {
		IV_TIMER_INIT(&timers[i]);
		timers[i].expires = after_ms(5 * i);
		timers[i].expires.tv_nsec |= 1;
		timers[i].cookie = &timers[i];
		timers[i].handler = check_not_early;
		iv_timer_register(&timers[i]);
	}
}

static void timers_are_neither_early_nor_lost(void **state)
{
	(void)state;
	iv_init();
	begin_storm();
	start_timers();
	run_until_quit("the timers");
	end_storm();
	assert_int_equal(left, 0);
	iv_deinit();
}

/* The signals tell how often it may at most go round. */
static void a_wait_cut_short_goes_on(void **state)
{
	struct iv_timer timer;
	int reads, before;

	(void)state;
	iv_init();
	begin_storm();
	before = atomic_load(&signals);
	reads = num_clock_reads();
	quit_after_ms(&timer, 60);
	iv_main();
	reads = num_clock_reads() - reads;
	end_storm();
	if (reads > 20 + 10 * (atomic_load(&signals) - before))
		fail_msg("%d signals, but the clock was read %d times",
			 atomic_load(&signals) - before, reads);
	iv_deinit();
}

/* A thread that signals another one all the time. */
struct storm {
	pthread_t target;
	pthread_t thread;
	atomic_bool stop;
};

static void *pester(void *arg)
{
	struct storm *storm = arg;

	while (!atomic_load(&storm->stop)) {
		pthread_kill(storm->target, SIGUSR1);
		sched_yield();
	}

	return NULL;
}

static void start_pestering(struct storm *storm)
{
	install(SIGUSR1);
	storm->target = pthread_self();
	atomic_init(&storm->stop, false);
	storm->thread = start_thread(pester, storm);
}

static void stop_pestering(struct storm *storm)
{
	atomic_store(&storm->stop, true);
	join_thread(storm->thread);
}

static struct probe probe;
static struct iv_event event;
static pthread_barrier_t turn;
static int num_turns;

static void *put_bytes_in_turn(void *arg)
{
	int i;

	for (i = 0; i < num_turns; i++) {
		if (write(probe.far, "x", 1) != 1)
			return NULL;
		iv_event_post(&event);
		pthread_barrier_wait(&turn);
	}

	return arg;
}

static int bytes, posts;

static void next_turn(void)
{
	if (bytes != posts)
		return;
	pthread_barrier_wait(&turn);
	if (bytes == num_turns)
		iv_quit();
}

static void read_byte(struct probe *own, int band)
{
	(void)band;
	get_byte(own->fd.fd);
	bytes++;
	next_turn();
}

static void got_post(void *cookie)
{
	(void)cookie;
	posts++;
	next_turn();
}

/* Each turn needs its byte and its post, or all wait for ever. */
static void descriptors_and_posts_are_not_lost(void **state)
{
	struct storm storm;
	pthread_t sender;

	(void)state;
	num_turns = scaled(2000);
	pthread_barrier_init(&turn, NULL, 2);
	iv_init();
	event.handler = got_post;
	assert_int_equal(iv_event_register(&event), 0);
	probe_socket(&probe);
	probe.then = read_byte;
	probe_register(&probe, IN);
	start_pestering(&storm);
	sender = start_thread(put_bytes_in_turn, &storm);
	run_until_quit("the turns");
	stop_pestering(&storm);
	assert_non_null(join_thread(sender));
	assert_int_equal(bytes, num_turns);
	assert_int_equal(posts, num_turns);
	iv_event_unregister(&event);
	probe_close(&probe);
	iv_deinit();
	pthread_barrier_destroy(&turn);
}

/* Changes that the method has yet to make when the signal comes. */
static void changes_are_not_lost(void **state)
{
	int num = scaled(500), i;
	struct storm storm;

	(void)state;
	iv_init();
	probe_socket(&probe);
	put_byte(probe.far);
	start_pestering(&storm);
	for (i = 0; i < num; i++) {
		probe_register(&probe, IN);
		run_until_called(&probe, 1);
		assert_int_equal(probe.out, 0);
		probe_reset(&probe);
		probe_want(&probe, OUT);
		run_until_called(&probe, 1);
		assert_int_equal(probe.in, 0);
		probe_reset(&probe);
		iv_fd_unregister(&probe.fd);
	}
	stop_pestering(&storm);
	probe_close(&probe);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(timers_are_neither_early_nor_lost),
	TEST(a_wait_cut_short_goes_on),
	TEST(descriptors_and_posts_are_not_lost),
	TEST(changes_are_not_lost),
};

GROUP(eintr);
