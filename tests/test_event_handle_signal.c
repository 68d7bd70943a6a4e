/* SPDX-License-Identifier: MIT */
/*
 * test_event_handle_signal.c - posts by handle from signal handlers
 */
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <iv_thread.h>
#include "handle_bed.h"

static struct iv_event event, second, elsewhere;
static iv_event_handle handle, other_handle;
static atomic_int num_posts, num_refused, errno_kept;

static void post_in_handler(int signum)
{
	int saved_errno = errno;

	(void)signum;
	errno = 4711;
	if (iv_event_handle_post(handle) != 0)
		atomic_fetch_add(&num_refused, 1);
	if (errno == 4711)
		atomic_fetch_add(&errno_kept, 1);
	atomic_fetch_add(&num_posts, 1);
	errno = saved_errno;
}

static void catch_signal(int signum)
{
	struct sigaction action = { .sa_handler = post_in_handler };

	assert_int_equal(sigaction(signum, &action, NULL), 0);
}

static void assert_posts(int num)
{
	assert_int_equal(atomic_load(&num_posts), num);
	assert_int_equal(atomic_load(&num_refused), 0);
	assert_int_equal(atomic_load(&errno_kept), num);
}

/* The owner's thread ******************************************************/

static unsigned long owner_id;
static pthread_t owner;

/* Whether the kernel says that the owner's thread sleeps. */
static bool owner_sleeps(void)
{
	char name[64], line[512], *state;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/self/task/%lu/stat", owner_id);
	file = fopen(name, "re");
	if (file == NULL)
		return true;
	state = fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')')
							: NULL;
	fclose(file);

	return state != NULL && strncmp(state, ") S", 3) == 0;
}

static void *interrupt_its_sleep(void *arg)
{
	while (!owner_sleeps())
		sched_yield();
	pthread_kill(owner, SIGUSR1);

	return arg;
}

static void while_the_owner_waits(void **state)
{
	int i, rounds = scaled(200);
	pthread_t thread;

	(void)state;
	iv_init();
	catch_signal(SIGUSR1);
	handle = open_handle(&event, "event", note_and_quit);
	owner = pthread_self();
	owner_id = iv_get_thread_id();
	for (i = 1; i <= rounds; i++) {
		thread = start_thread(interrupt_its_sleep, NULL);
		run_until_quit("the event");
		assert_noted("event");
		join_thread(thread);
		assert_posts(i);
	}
	iv_event_unregister(&event);
	iv_deinit();
}

static void raise_and_note(void *word)
{
	raise(SIGUSR1);
	raise(SIGUSR1);
	note(word);
}

static void while_the_owner_runs_a_handler(void **state)
{
	struct iv_task task;

	(void)state;
	iv_init();
	catch_signal(SIGUSR1);
	handle = open_handle(&event, "event", note);
	IV_TASK_INIT(&task);
	task.cookie = "task";
	task.handler = raise_and_note;
	iv_task_register(&task);
	run_to_the_end();
	assert_noted("task event end");
	assert_posts(2);
	iv_event_unregister(&event);
	iv_deinit();
}

static void raise_once(void *word)
{
	note(word);
	if (atomic_load(&num_posts) == 0)
		raise(SIGUSR1);
	else
		iv_quit();
}

static void while_it_runs_the_events_own_handler(void **state)
{
	(void)state;
	iv_init();
	catch_signal(SIGUSR1);
	handle = open_handle(&event, "event", raise_once);
	assert_int_equal(iv_event_handle_post(handle), 0);
	run_until_quit("the event");
	assert_noted("event event");
	assert_posts(1);
	iv_event_unregister(&event);
	iv_deinit();
}

static void when_it_is_gone_the_answer_is_no(void **state)
{
	(void)state;
	iv_init();
	catch_signal(SIGUSR1);
	handle = open_handle(&event, "event", note);
	iv_event_unregister(&event);
	raise(SIGUSR1);
	assert_int_equal(atomic_load(&num_refused), 1);
	assert_int_equal(atomic_load(&errno_kept), 1);
	run_to_the_end();
	assert_noted("end");
	iv_deinit();
}

/* Inside a post ***********************************************************/

static _Thread_local bool interrupt_writes;

/* A post's wake: the last of its steps. */
ssize_t write(int fd, const void *data, size_t size)
{
	if (interrupt_writes) {
		interrupt_writes = false;
		raise(SIGUSR1);
	}

	return syscall(SYS_write, fd, data, size);
}

static sem_t is_open;
static pthread_t elsewhere_thread;

static void just_quit(void *cookie)
{
	(void)cookie;
	iv_quit();
}

static void *live_elsewhere(void *arg)
{
	owner_id = (unsigned long)syscall(SYS_gettid);
	iv_init();
	other_handle = open_handle(&elsewhere, NULL, just_quit);
	sem_post(&is_open);
	iv_main();
	iv_event_unregister(&elsewhere);
	iv_deinit();

	return arg;
}

static void start_elsewhere(void)
{
	sem_init(&is_open, 0, 0);
	elsewhere_thread = start_thread(live_elsewhere, NULL);
	await(&is_open);
	while (!owner_sleeps())
		sched_yield();
}

static void end_elsewhere(void)
{
	join_thread(elsewhere_thread);
	sem_destroy(&is_open);
}

static void inside_a_post_that_wakes_another_loop(void **state)
{
	(void)state;
	iv_init();
	catch_signal(SIGUSR1);
	handle = open_handle(&event, "event", note);

	start_elsewhere();
	interrupt_writes = true;
	iv_event_post(&elsewhere);
	interrupt_writes = false;
	end_elsewhere();

	start_elsewhere();
	interrupt_writes = true;
	assert_int_equal(iv_event_handle_post(other_handle), 0);
	interrupt_writes = false;
	end_elsewhere();
	assert_int_equal(iv_event_handle_post(other_handle), -ENOENT);

	run_to_the_end();
	if (atomic_load(&num_posts) > 0)
		assert_noted("event end");
	else
		assert_noted("end");
	assert_int_equal(atomic_load(&num_refused), 0);
	iv_event_unregister(&event);
	iv_deinit();
}

static atomic_bool stop;

static void *send_signals(void *arg)
{
	while (!atomic_load(&stop)) {
		pthread_kill(owner, SIGUSR1);
		sched_yield();
	}

	return arg;
}

static int seen_posts, calls;

static void look(void *cookie)
{
	(void)cookie;
	calls++;
	seen_posts = atomic_load(&num_posts);
}

static void count_call(void *cookie)
{
	++*(int *)cookie;
}

/*
 * Signals wherever they hit: between any two steps of a post of either kind,
 * to this event and to others, of its end and of its registration.
 */
static void anywhere_inside_posts_and_registrations(void **state)
{
	int i, posted = 0, handled = 0, rounds = scaled(50000);
	struct iv_event brief;
	pthread_t thread;

	(void)state;
	iv_init();
	catch_signal(SIGUSR1);
	handle = open_handle(&event, NULL, look);
	other_handle = open_handle(&second, NULL, count_call);
	second.cookie = &handled;
	owner = pthread_self();
	thread = start_thread(send_signals, NULL);
	for (i = 0; i < rounds || atomic_load(&num_posts) < 10; i++) {
		iv_event_post(&event);
		iv_event_handle_post(handle);
		iv_event_handle_post(other_handle);
		open_handle(&brief, NULL, note);
		iv_event_unregister(&brief);
		posted++;
		if (i % 1024 == 0)
			run_to_the_end();
	}
	atomic_store(&stop, true);
	join_thread(thread);
	run_to_the_end();
	/* The last signal may have come in between: it merged or was seen. */
	assert_int_equal(seen_posts, atomic_load(&num_posts));
	assert_int_equal(atomic_load(&num_refused), 0);
	assert_in_range(handled, 1, posted);
	iv_event_unregister(&event);
	iv_event_unregister(&second);
	iv_deinit();
}

/* Another thread **********************************************************/

static void *be_interrupted(void *arg)
{
	while (atomic_load(&num_posts) == 0)
		sigsuspend(arg);

	return NULL;
}

/* It has no loop and has never called the library. */
static void in_a_thread_that_never_used_the_library(void **state)
{
	sigset_t before, blocked;
	pthread_t thread;

	(void)state;
	iv_init();
	catch_signal(SIGUSR1);
	handle = open_handle(&event, "event", note_and_quit);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	thread = start_thread(be_interrupted, &before);
	pthread_kill(thread, SIGUSR1);
	run_until_quit("the event");
	assert_noted("event");
	join_thread(thread);
	assert_posts(1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	iv_event_unregister(&event);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(while_the_owner_waits),
	TEST(while_the_owner_runs_a_handler),
	TEST(while_it_runs_the_events_own_handler),
	TEST(when_it_is_gone_the_answer_is_no),
	TEST(inside_a_post_that_wakes_another_loop),
	TEST(anywhere_inside_posts_and_registrations),
	TEST(in_a_thread_that_never_used_the_library),
};

TEST_MAIN(cases)
