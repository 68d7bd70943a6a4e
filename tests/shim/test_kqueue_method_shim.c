/* SPDX-License-Identifier: MIT */
/*
 * test_kqueue_method_shim.c - loops on kqueue, in what is kqueue's own
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <iv_event.h>
#include "harness.h"

static int fds[2];
static struct iv_fd fd;

static void begin(void)
{
	setenv("IV_SELECT_POLL_METHOD", "kqueue", 1);
	unsetenv("IV_FORCE_PIPE");
	iv_init();
	assert_string_equal(iv_poll_method_name(), "kqueue");
}

static void watch(int number, bool in, bool out, bool err)
{
	IV_FD_INIT(&fd);
	fd.fd = number;
	fd.cookie = "fd";
	fd.handler_in = in ? note : NULL;
	fd.handler_out = out ? note : NULL;
	fd.handler_err = err ? note : NULL;
	iv_fd_register(&fd);
}

static int rounds_left;
static struct iv_task again;

static void count_round(void *cookie)
{
	(void)cookie;
	if (--rounds_left > 0)
		iv_task_register(&again);
	else
		iv_quit();
}

/* So many looks, none of which sleeps. */
static void run_rounds(int num)
{
	IV_TASK_INIT(&again);
	again.handler = count_round;
	rounds_left = num + 1;
	iv_task_register(&again);
	iv_main();
}

static atomic_int num_looks;

/* Stands in for the C library's: loop and shim ask in each round. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	num_looks++;

	return (int)syscall(SYS_clock_gettime, clock, now);
}

/* Is there nothing that keeps the loop from sleeping? */
static void run_to_sleep(void)
{
	struct iv_timer timer;

	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(5);
	timer.handler = count_round;
	rounds_left = 1;
	iv_timer_register(&timer);
	num_looks = 0;
	iv_main();
	assert_in_range(num_looks, 1, 25);
}

static void a_pipe_that_nobody_reads_is_ready(void **state)
{
	(void)state;
	begin();
	make_pipe(fds);
	close(fds[0]);
	watch(fds[1], false, true, true);
	run_rounds(2);
	assert_noted("fd fd fd fd");

	/* Nobody asks. */
	iv_fd_set_handler_out(&fd, NULL);
	iv_fd_set_handler_err(&fd, NULL);
	run_to_sleep();
	assert_noted("");
	iv_fd_set_handler_out(&fd, note);
	run_rounds(1);
	assert_noted("fd");
	iv_fd_unregister(&fd);
	assert_int_equal(iv_fd_register_try(&fd), 0);
	iv_fd_unregister(&fd);
	close(fds[1]);
	iv_deinit();
}

static void a_fifo_gets_a_reader_again(void **state)
{
	char dir[] = "/tmp/test_kqueue.XXXXXX", name[64];
	int reader;

	(void)state;
	begin();
	assert_non_null(mkdtemp(dir));
	snprintf(name, sizeof(name), "%s/fifo", dir);
	assert_int_equal(mkfifo(name, 0600), 0);
	reader = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	fds[1] = open(name, O_WRONLY | O_CLOEXEC);
	close(reader);
	watch(fds[1], false, true, true);
	run_rounds(1);
	assert_noted("fd fd");
	reader = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	run_rounds(1);
	assert_noted("");
	run_rounds(1);
	assert_noted("fd");
	iv_fd_unregister(&fd);
	close(reader);
	close(fds[1]);
	unlink(name);
	rmdir(dir);
	iv_deinit();
}

static void a_filter_refused_later_is_no_reason_to_die(void **state)
{
	struct iv_fd other;
	int dir;

	(void)state;
	begin();
	make_pipe(fds);
	put_byte(fds[1]);
	IV_FD_INIT(&other);
	other.fd = fds[0];
	other.cookie = "other";
	other.handler_in = note;
	dir = open("/", O_RDONLY | O_CLOEXEC);
	IV_FD_INIT(&fd);
	fd.fd = dir;
	fd.cookie = "fd";
	assert_int_equal(iv_fd_register_try(&fd), 0);
	run_rounds(1);
	assert_noted("");

	/* No directory can be written; others are served meanwhile. */
	iv_fd_register(&other);
	iv_fd_set_handler_out(&fd, note);
	run_rounds(2);
	assert_noted("fd other fd other");
	iv_fd_set_handler_out(&fd, NULL);
	iv_fd_unregister(&other);
	run_to_sleep();
	assert_noted("");
	iv_fd_unregister(&fd);
	close(dir);
	close_both(fds);
	iv_deinit();
}

static void a_file_is_readable_at_its_end(void **state)
{
	char name[] = "/tmp/test_kqueue.XXXXXX";
	int file;

	(void)state;
	begin();
	file = mkostemp(name, O_CLOEXEC);
	unlink(name);
	watch(file, true, false, true);
	run_rounds(2);
	assert_noted("fd fd");
	iv_fd_unregister(&fd);
	close(file);
	iv_deinit();
}

static void who_waits_for_errors_alone_hears_of_the_end(void **state)
{
	(void)state;
	begin();
	make_socketpair(fds);
	watch(fds[0], false, false, true);
	run_to_sleep();
	put_byte(fds[1]);
	run_to_sleep();
	shutdown(fds[1], SHUT_WR);
	run_to_sleep();
	assert_noted("");

	close(fds[1]);
	run_rounds(3);
	assert_noted("fd fd fd");
	iv_fd_set_handler_err(&fd, NULL);
	run_to_sleep();
	assert_noted("");
	iv_fd_unregister(&fd);
	close(fds[0]);
	iv_deinit();
}

static void what_was_closed_is_told_once(void **state)
{
	(void)state;
	begin();
	make_pipe(fds);
	watch(fds[0], true, false, false);
	run_rounds(1);
	close(fds[0]);
	iv_fd_set_handler_err(&fd, note);
	iv_fd_set_handler_in(&fd, NULL);
	iv_fd_set_handler_out(&fd, note);
	run_rounds(1);
	assert_noted("fd fd");
	run_to_sleep();
	assert_noted("");
	iv_fd_unregister(&fd);
	close(fds[1]);
	iv_deinit();
}

enum { MANY = 700 };

static void count_call(void *calls)
{
	++*(int *)calls;
}

static struct iv_fd many[MANY];
static int calls[MANY];

/* Sockets whose far ends are gone. */
static void register_many(void)
{
	int i;

	for (i = 0; i < MANY; i++) {
		int pair[2];

		make_socketpair(pair);
		close(pair[1]);
		IV_FD_INIT(&many[i]);
		many[i].fd = pair[0];
		assert_int_equal(iv_fd_register_try(&many[i]), 0);
	}
}

/* Every other one is closed before the method hears what it wants. */
static void want_many(void)
{
	int i;

	for (i = 0; i < MANY; i++) {
		if (i % 2 == 0)
			close(many[i].fd);
		many[i].cookie = &calls[i];
		iv_fd_set_handler_out(&many[i], count_call);
		iv_fd_set_handler_in(&many[i], count_call);
	}
}

static void unregister_many(void)
{
	int i;

	for (i = 0; i < MANY; i++) {
		/* Closed: in and out, once. */
		assert_in_range(calls[i], 2, i % 2 == 0 ? 2 : 20);
		iv_fd_unregister(&many[i]);
		if (i % 2 != 0)
			close(many[i].fd);
	}
}

/* More changes and more errors than one call takes. */
static void no_list_of_changes_is_too_long(void **state)
{
	int more = 0;

	(void)state;
	begin();
	register_many();
	make_pipe(fds);
	put_byte(fds[1]);
	watch(fds[0], true, false, false);
	run_rounds(1);
	assert_noted("fd");

	want_many();
	iv_fd_set_handler_in(&fd, count_call);
	fd.cookie = &more;
	run_rounds(10);
	assert_in_range(more, 1, 10);
	unregister_many();
	more = 0;
	run_rounds(1);
	assert_int_equal(more, 1);
	iv_fd_unregister(&fd);
	close_both(fds);
	iv_deinit();
}

static void *post(void *event)
{
	iv_event_post(event);

	return NULL;
}

static void to_be_woken_takes_no_descriptor(void **state)
{
	struct iv_event event;
	pthread_t thread;
	int before, i;

	(void)state;
	begin();
	before = num_open_fds();
	IV_EVENT_INIT(&event);
	event.handler = quit;
	assert_int_equal(iv_event_register(&event), 0);
	assert_int_equal(num_open_fds(), before);
	for (i = 0; i < scaled(300); i++) {
		thread = start_thread(post, &event);
		run_until_quit("a post");
		join_thread(thread);
	}
	iv_event_unregister(&event);
	iv_deinit();
}

/* Where the queue was in the parent, a child may have what it likes. */
static int reuse_the_number(void *arg)
{
	int number = *(int *)arg;
	int file = open("/dev/null", O_RDONLY);

	if (file != number)
		return 1;
	if (fds[0] >= 0) {
		run_rounds(1);
		iv_fd_unregister(&fd);
	}
	iv_deinit();

	return fcntl(file, F_GETFD) < 0;
}

static void a_child_closes_no_number_of_its_own(void **state)
{
	int number;

	(void)state;
	number = open("/dev/null", O_RDONLY);
	close(number);
	begin();
	fds[0] = -1;
	in_child(reuse_the_number, &number);
	make_pipe(fds);
	put_byte(fds[1]);
	watch(fds[0], true, false, false);
	run_rounds(1);
	in_child(reuse_the_number, &number);
	assert_noted("fd");
	run_rounds(1);
	assert_noted("fd");
	iv_fd_unregister(&fd);
	close_both(fds);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_pipe_that_nobody_reads_is_ready),
	TEST(a_fifo_gets_a_reader_again),
	TEST(a_filter_refused_later_is_no_reason_to_die),
	TEST(a_file_is_readable_at_its_end),
	TEST(who_waits_for_errors_alone_hears_of_the_end),
	TEST(what_was_closed_is_told_once),
	TEST(no_list_of_changes_is_too_long),
	TEST(to_be_woken_takes_no_descriptor),
	TEST(a_child_closes_no_number_of_its_own),
};

TEST_MAIN(cases)
