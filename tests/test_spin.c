/* SPDX-License-Identifier: MIT */
/*
 * test_spin.c - loops that look for posts before they sleep
 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_loop.h>
#include "harness.h"

static const char say_spin[] = "say-spin";

static int num_cpus(void)
{
	cpu_set_t cpus;

	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);

	return CPU_COUNT(&cpus);
}

/* The calling thread, to the last CPU that it may use. */
static int bind_to_one(void)
{
	cpu_set_t cpus, one;
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return -1;
	while (!CPU_ISSET(cpu, &cpus))
		cpu--;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);

	return sched_setaffinity(0, sizeof(one), &one);
}

/* What a new process that has one CPU exits with. */
static int status_with_one_cpu(const char *mode)
{
	char name[] = "test_spin";
	char *const argv[] = { name, (char *)(uintptr_t)say_spin,
			       (char *)(uintptr_t)mode, NULL };
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;
	pid_t pid;

	assert_true(len > 0);
	self[len] = '\0';
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (bind_to_one() == 0)
			execv(self, argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));

	return WEXITSTATUS(status);
}

static void a_process_with_one_cpu_is_refused(void **state)
{
	(void)state;
	assert_int_equal(status_with_one_cpu("1"), ENOTSUP);
	assert_int_equal(status_with_one_cpu("0"), 0);
}

static void a_process_that_gets_more_cpus_may(void **state)
{
	(void)state;
	if (num_cpus() < 2)
		cannot_try("one CPU");
	assert_int_equal(status_with_one_cpu("all"), 0);
}

static void a_bound_thread_of_a_process_with_several_may(void **state)
{
	(void)state;
	if (num_cpus() < 2)
		cannot_try("one CPU");
	assert_int_equal(bind_to_one(), 0);
	iv_init();
	assert_int_equal(iv_loop_set_spin(1), 0);
	iv_deinit();
}

/* Two loops that answer each other without end. */
struct side {
	struct iv_event event;
	struct side *other;
	pthread_t thread;
	sem_t open;
	atomic_bool over;
	long calls;
};

static void return_ball(void *cookie)
{
	struct side *side = cookie;

	side->calls++;
	if (atomic_load(&side->over))
		iv_quit();
	else
		iv_event_post(&side->other->event);
}

static void open_side(struct side *side)
{
	iv_init();
	iv_loop_set_spin(IV_LOOP_MAX_SPIN_US);
	IV_EVENT_INIT(&side->event);
	side->event.cookie = side;
	side->event.handler = return_ball;
	if (iv_event_register(&side->event) != 0)
		abort();
}

static void *play_there(void *arg)
{
	struct side *side = arg;

	open_side(side);
	sem_post(&side->open);
	iv_main();
	iv_event_unregister(&side->event);
	iv_deinit();

	return NULL;
}

static void start_playing(struct side sides[2])
{
	sides[0].other = &sides[1];
	sides[1].other = &sides[0];
	open_side(&sides[0]);
	sem_init(&sides[1].open, 0, 0);
	sides[1].thread = start_thread(play_there, &sides[1]);
	await(&sides[1].open);
	iv_event_post(&sides[1].event);
}

/* From the first one's loop, which nobody posts to behind it. */
static void stop_playing(struct side sides[2])
{
	atomic_store(&sides[1].over, true);
	iv_event_post(&sides[1].event);
	join_thread(sides[1].thread);
	iv_event_unregister(&sides[0].event);
	iv_deinit();
	sem_destroy(&sides[1].open);
}

/* How many answers there may be, on average, until a descriptor is served. */
enum { MANY_ANSWERS = 3000, NUM_TURNS = 100 };

static void answers_without_end_leave_descriptors_their_turn(void **state)
{
	struct side sides[2] = { { .other = NULL } };
	struct iv_fd fd;
	int ends[2], i;

	(void)state;
	start_playing(sides);
	make_pipe(ends);
	IV_FD_INIT(&fd);
	fd.fd = ends[0];
	fd.handler_in = quit;
	iv_fd_register(&fd);
	for (i = 0; i < NUM_TURNS; i++) {
		put_byte(ends[1]);
		run_until_quit("a descriptor");
		get_byte(ends[0]);
	}
	iv_fd_unregister(&fd);
	close_both(ends);
	stop_playing(sides);
	assert_true(sides[0].calls < (long)NUM_TURNS * MANY_ANSWERS);
}

static void answers_without_end_leave_timers_their_turn(void **state)
{
	struct side sides[2] = { { .other = NULL } };
	struct iv_timer timer;

	(void)state;
	start_playing(sides);
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(1);
	timer.handler = quit;
	iv_timer_register(&timer);
	run_until_quit("a timer");
	stop_playing(sides);
}

static const struct test_case cases[] = {
	TEST(a_process_with_one_cpu_is_refused),
	TEST(a_process_that_gets_more_cpus_may),
	TEST(a_bound_thread_of_a_process_with_several_may),
	TEST(answers_without_end_leave_descriptors_their_turn),
	TEST(answers_without_end_leave_timers_their_turn),
};

/* A program that was started with one CPU; no leak checker's look. */
static int say(const char *mode)
{
	cpu_set_t all;
	int ret;

	memset(&all, 0xff, sizeof(all));
	if (strcmp(mode, "all") == 0 &&
	    sched_setaffinity(0, sizeof(all), &all) < 0)
		_exit(126);
	iv_init();
	ret = iv_loop_set_spin(strcmp(mode, "0") != 0);
	_exit(-ret);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], say_spin) == 0)
		return say(argv[2]);

	return harness_main(argc, argv, cases,
			    sizeof(cases) / sizeof(cases[0]));
}
