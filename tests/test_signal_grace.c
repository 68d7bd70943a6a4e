/* SPDX-License-Identifier: MIT */
/*
 * test_signal_grace.c - unregistering waits for handlers that are running
 *
 * The handler wakes a sleeping loop by write(2): that is where it is held up.
 */
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "harness.h"
#include "signal_bed.h"

enum { YIELDS = 500 };

static _Thread_local bool is_sender;
static atomic_bool inside, unregistering, unregistered, too_early;

/* Stands in for the C library's. */
ssize_t write(int fd, const void *buf, size_t size)
{
	int i;

	if (is_sender && !atomic_exchange(&inside, true)) {
		while (!atomic_load(&unregistering))
			sched_yield();
		for (i = 0; i < YIELDS; i++) {
			if (atomic_load(&unregistered))
				atomic_store(&too_early, true);
			sched_yield();
		}
	}

	return syscall(SYS_write, fd, buf, size);
}

static atomic_bool stop;

/* Until it has met the other loop asleep. */
static void *send_storm(void *arg)
{
	is_sender = true;
	while (!atomic_load(&stop)) {
		raise(SIGUSR1);
		sched_yield();
	}

	return arg;
}

static void quit_when_told(void *cookie)
{
	(void)cookie;
	if (atomic_load(&stop))
		iv_quit();
}

static sem_t ready;

static void *sleep_and_be_woken(void *arg)
{
	struct iv_signal sig;

	iv_init();
	expect_signal(&sig, SIGUSR1, 0, quit_when_told, NULL);
	sem_post(&ready);
	iv_main();
	iv_signal_unregister(&sig);
	iv_deinit();

	return arg;
}

static void nothing(void *cookie)
{
	(void)cookie;
}

static void it_waits_for_a_handler_in_another_thread(void **state)
{
	pthread_t sender, sleeper;
	struct iv_signal sig, last;

	(void)state;
	sem_init(&ready, 0, 0);
	iv_init();
	/* Keeps late signals from meeting the default action. */
	expect_signal(&last, SIGUSR1, 0, nothing, NULL);
	expect_signal(&sig, SIGUSR1, 0, nothing, NULL);
	sleeper = start_thread(sleep_and_be_woken, NULL);
	await(&ready);
	sender = start_thread(send_storm, NULL);
	while (!atomic_load(&inside))
		sched_yield();
	atomic_store(&unregistering, true);
	iv_signal_unregister(&sig);
	atomic_store(&unregistered, true);

	atomic_store(&stop, true);
	join_thread(sender);
	raise(SIGUSR1);
	join_thread(sleeper);
	assert_false(atomic_load(&too_early));
	iv_signal_unregister(&last);
	iv_deinit();
	sem_destroy(&ready);
}

static const struct test_case cases[] = {
	TEST(it_waits_for_a_handler_in_another_thread),
};

TEST_MAIN(cases)
