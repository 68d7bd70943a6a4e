/* SPDX-License-Identifier: MIT */
/*
 * test_event_late.c - a poster that wakes a loop when it is already closing
 *
 * A legal program: the loop awoke by itself, handled the event, and ended,
 * all between the poster's push and its write. The write is held back here,
 * by standing in for the C library's, until the loop's thread is either
 * asleep inside iv_deinit() or has come out of it. Were the descriptor closed
 * by then, the write would go to whatever got its number.
 */
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_thread.h>
#include "harness.h"

static _Thread_local bool is_poster;
static atomic_bool has_returned;
static atomic_ulong closing_thread;
static sem_t may_post;

/* Whether the kernel says that the thread which closes its loop sleeps. */
static bool closer_sleeps(void)
{
	char name[64], line[512], *state;
	unsigned long id = atomic_load(&closing_thread);
	FILE *file;

	if (id == 0)
		return false;
	snprintf(name, sizeof(name), "/proc/self/task/%lu/stat", id);
	file = fopen(name, "re");
	if (file == NULL)
		return true;
	state = fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')')
							: NULL;
	fclose(file);

	return state != NULL && strncmp(state, ") S", 3) == 0;
}

ssize_t write(int fd, const void *data, size_t size)
{
	if (is_poster) {
		while (!atomic_load(&has_returned) && !closer_sleeps())
			sched_yield();
	}

	return syscall(SYS_write, fd, data, size);
}

static struct iv_event event;
static struct iv_timer timer;

static void *post_late(void *arg)
{
	await(&may_post);
	is_poster = true;
	iv_event_post(arg);
	is_poster = false;

	return NULL;
}

/* Lets the poster go as the loop falls asleep, to awake soon by itself. */
static void wake_up(void *cookie)
{
	timer.expires = after_ms(1);
	iv_timer_register(&timer);
	if (cookie != NULL)
		sem_post(cookie);
	timer.cookie = NULL;
}

static void end(void *cookie)
{
	(void)cookie;
	iv_event_unregister(&event);
	iv_timer_unregister(&timer);
}

static void close_loop(void)
{
	atomic_store(&closing_thread, iv_get_thread_id());
	iv_deinit();
	atomic_store(&closing_thread, 0);
}

static void assert_empty(int pipefd[2])
{
	char c;

	close(pipefd[1]);
	assert_int_equal(read(pipefd[0], &c, 1), 0);
	close(pipefd[0]);
}

/* Pipes take the numbers of whatever the loop had open. */
static void close_under_a_post(void)
{
	int canaries[4][2], i;
	pthread_t poster;

	atomic_store(&has_returned, false);
	sem_init(&may_post, 0, 0);
	poster = start_thread(post_late, &event);
	iv_init();
	event.handler = end;
	assert_int_equal(iv_event_register(&event), 0);
	IV_TIMER_INIT(&timer);
	timer.expires = iv_now;
	timer.cookie = &may_post;
	timer.handler = wake_up;
	iv_timer_register(&timer);
	iv_main();
	close_loop();
	for (i = 0; i < 4; i++)
		make_pipe(canaries[i]);
	atomic_store(&has_returned, true);
	join_thread(poster);
	for (i = 0; i < 4; i++)
		assert_empty(canaries[i]);
	sem_destroy(&may_post);
}

static void a_late_wake_goes_to_the_loop_that_it_is_for(void **state)
{
	int rounds = 20;

	(void)state;
	while (rounds-- > 0)
		close_under_a_post();
}

static const struct test_case cases[] = {
	TEST(a_late_wake_goes_to_the_loop_that_it_is_for),
};

TEST_MAIN(cases)
