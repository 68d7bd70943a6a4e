/* SPDX-License-Identifier: MIT */
/*
 * test_fd_exact.c - a handler is called for what is so, each time and only then
 *
 * Some methods are told of a descriptor's changes, from which they have to find
 * out how it stands; thousands may change at once, or while handlers run.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "harness.h"

/* Rounds *******************************************************************/

static struct iv_task ticker;
static int rounds_left;

static void tick(void *cookie)
{
	(void)cookie;
	if (--rounds_left > 0)
		iv_task_register(&ticker);
	else
		iv_quit();
}

/* So many looks at the kernel, none of which waits. */
static void run_rounds(int num)
{
	IV_TASK_INIT(&ticker);
	ticker.handler = tick;
	rounds_left = num;
	iv_task_register(&ticker);
	iv_main();
}

static void
watch(struct iv_fd *fd, int number, void *cookie, void (*handler_in)(void *))
{
	IV_FD_INIT(fd);
	fd->fd = number;
	fd->cookie = cookie;
	fd->handler_in = handler_in;
	iv_fd_register(fd);
}

/* While handlers run *******************************************************/

static struct iv_fd one, other;
static int one_end[2], other_end[2];

static void read_own_and_again(void *word)
{
	note(word);
	get_byte(one.fd);
	if (rounds_left > 2) {
		put_byte(one_end[1]);
		get_byte(one.fd);
	}
}

static void write_and_read_the_others(void *word)
{
	note(word);
	get_byte(one.fd);
	put_byte(other_end[1]);
	get_byte(other.fd);
}

static void open_both(void (*handler_of_one)(void *cookie))
{
	iv_init();
	make_socketpair(one_end);
	make_socketpair(other_end);
	watch(&one, one_end[0], "one", handler_of_one);
	watch(&other, other_end[0], "other", note);
	run_rounds(3);
	assert_noted("");
}

static void close_all(void)
{
	iv_fd_unregister(&one);
	iv_fd_unregister(&other);
	close_both(one_end);
	close_both(other_end);
	iv_deinit();
}

static void what_came_and_went_in_its_handler_is_not_told(void **state)
{
	(void)state;
	open_both(read_own_and_again);
	put_byte(one_end[1]);
	run_rounds(5);
	assert_noted("one");
	close_all();
}

static void what_a_sibling_has_read_is_not_told(void **state)
{
	(void)state;
	open_both(write_and_read_the_others);
	put_byte(one_end[1]);
	run_rounds(5);
	assert_noted("one");
	close_all();
}

static void write_to_other(void *word)
{
	note(word);
	get_byte(one.fd);
	put_byte(other_end[1]);
}

static void read_other(void *word)
{
	note(word);
	get_byte(other.fd);
}

static void what_came_in_a_siblings_handler_is_told(void **state)
{
	(void)state;
	open_both(write_to_other);
	iv_fd_set_handler_in(&other, read_other);
	put_byte(one_end[1]);
	run_rounds(5);
	assert_noted("one other");
	close_all();
}

/* The other band's report must not use up what is to be told of this one. */
static void a_band_that_was_off_is_told_when_it_is_on_again(void **state)
{
	(void)state;
	open_both(note);
	iv_fd_set_handler_out(&one, note);
	run_rounds(2);
	assert_noted("one");
	iv_fd_set_handler_out(&one, NULL);
	put_byte(one_end[1]);
	run_rounds(2);
	assert_noted("one");
	get_byte(one.fd);
	run_rounds(3);
	assert_noted("");
	iv_fd_set_handler_out(&one, note);
	run_rounds(2);
	assert_noted("one");
	close_all();
}

/* Closing *****************************************************************/

static void make_full(int fd)
{
	char bytes[4096] = { 0 };

	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
}

static void assert_at_end(int fd)
{
	char bytes[4096];
	ssize_t len;

	do {
		len = read(fd, bytes, sizeof(bytes));
	} while (len > 0);
	assert_int_equal(len, 0);
}

/* Nothing of ours may keep the file open: its reader waits for the end. */
static void closing_it_ends_the_other_side_at_once(void **state)
{
	int pipefd[2];
	char c;

	(void)state;
	iv_init();
	make_pipe(pipefd);
	watch(&one, pipefd[0], "one", note);
	run_rounds(3);
	iv_fd_unregister(&one);
	close(pipefd[0]);
	assert_int_equal(write(pipefd[1], "", 1), -1);
	close(pipefd[1]);

	make_pipe(pipefd);
	watch(&one, pipefd[1], "one", NULL);
	iv_fd_set_handler_err(&one, note);
	run_rounds(3);
	iv_fd_unregister(&one);
	close(pipefd[1]);
	assert_int_equal(read(pipefd[0], &c, 1), 0);
	close(pipefd[0]);
	iv_deinit();
}

static void so_it_does_while_it_is_becoming_ready(void **state)
{
	int pipefd[2];
	char bytes[4096];

	(void)state;
	iv_init();
	make_pipe(pipefd);
	watch(&one, pipefd[1], "one", NULL);
	make_full(pipefd[1]);
	iv_fd_set_handler_out(&one, note);
	run_rounds(3);
	assert_noted("");
	assert_true(read(pipefd[0], bytes, sizeof(bytes)) > 0);
	iv_fd_unregister(&one);
	close(pipefd[1]);
	assert_at_end(pipefd[0]);
	close(pipefd[0]);
	iv_deinit();
}

static void so_it_does_when_the_loop_ends(void **state)
{
	int pipefd[2];
	char c;

	(void)state;
	iv_init();
	assert_int_equal(pipe2(pipefd, O_NONBLOCK), 0);
	watch(&one, pipefd[1], "one", NULL);
	iv_fd_set_handler_err(&one, note);
	run_rounds(3);
	iv_deinit();
	close(pipefd[1]);
	assert_int_equal(read(pipefd[0], &c, 1), 0);
	close(pipefd[0]);
}

/* Many at once *************************************************************/

/* Four times what the largest queue of a method holds. */
enum { MANY = 4 * 4096 };

struct one_of_many {
	struct iv_fd fd;
	int num_calls;
};

static struct one_of_many *many;
static int num_many;

static void count_call(void *cookie)
{
	struct one_of_many *called = cookie;

	called->num_calls++;
}

static void take_value(void *cookie)
{
	struct one_of_many *called = cookie;
	eventfd_t value;

	assert_int_equal(eventfd_read(called->fd.fd, &value), 0);
	called->num_calls++;
}

static void open_many(int num)
{
	struct rlimit limit;
	int i;

	iv_init();
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < (rlim_t)num + 100)
		cannot_try("the limit of open descriptors is too low");

	num_many = num;
	many = calloc((size_t)num, sizeof(*many));
	for (i = 0; i < num; i++) {
		int number = eventfd(0, EFD_NONBLOCK);

		assert_true(number >= 0);
		watch(&many[i].fd, number, &many[i], take_value);
	}
	run_rounds(3);
}

static void close_many(void)
{
	int i;

	for (i = 0; i < num_many; i++) {
		iv_fd_unregister(&many[i].fd);
		close(many[i].fd.fd);
	}
	free(many);
	iv_deinit();
}

static void assert_calls_of_each(int num_calls)
{
	int i;

	for (i = 0; i < num_many; i++) {
		assert_int_equal(many[i].num_calls, num_calls);
		many[i].num_calls = 0;
	}
}

static void none_of_many_ready_at_once_is_lost(void **state)
{
	int i;

	(void)state;
	open_many(scaled(MANY));
	for (i = 0; i < num_many; i++)
		eventfd_write(many[i].fd.fd, 1);
	/* Those that a batch does not hold come in the next ones. */
	run_rounds(num_many / 16);
	assert_calls_of_each(1);
	close_many();
}

/* Each unregistering may make the method look, with nobody to heed it yet. */
static void none_of_many_ready_again_and_again_is_lost(void **state)
{
	struct iv_fd helpers[8];
	int pipes[8][2], i, j;

	(void)state;
	open_many(500);
	for (i = 0; i < 8; i++) {
		make_pipe(pipes[i]);
		watch(&helpers[i], pipes[i][0], "helper", note);
	}
	run_rounds(3);
	for (i = 0; i < 8; i++) {
		for (j = 0; j < num_many; j++)
			eventfd_write(many[j].fd.fd, 1);
		iv_fd_unregister(&helpers[i]);
		close_both(pipes[i]);
	}
	run_rounds(num_many);
	assert_calls_of_each(1);
	for (j = 0; j < num_many; j++)
		eventfd_write(many[j].fd.fd, 1);
	run_rounds(num_many);
	assert_calls_of_each(1);
	close_many();
}

static void none_of_many_changes_at_once_is_lost(void **state)
{
	int i;

	(void)state;
	open_many(1000);
	for (i = 0; i < num_many; i++)
		iv_fd_set_handler_out(&many[i].fd, count_call);
	run_rounds(1 + num_many / 16);
	for (i = 0; i < num_many; i++) {
		assert_true(many[i].num_calls > 0);
		iv_fd_set_handler_out(&many[i].fd, NULL);
		many[i].num_calls = 0;
	}
	for (i = 0; i < num_many; i++)
		eventfd_write(many[i].fd.fd, 1);
	run_rounds(1 + num_many / 16);
	assert_calls_of_each(1);
	close_many();
}

/*
 * Regular files are ready as soon as they are watched, which fills up a queue
 * that somebody else's reports have to go through.
 */
static void none_among_many_ready_from_the_start_is_lost(void **state)
{
	int file = open("/proc/self/exe", O_RDONLY), num = scaled(12000), i;
	struct one_of_many *files;

	(void)state;
	open_many(1500);
	files = calloc((size_t)num, sizeof(*files));
	for (i = 0; i < num; i++) {
		IV_FD_INIT(&files[i].fd);
		files[i].fd.fd = dup(file);
		files[i].fd.cookie = &files[i];
		files[i].fd.handler_in = count_call;
		if (iv_fd_register_try(&files[i].fd) != 0)
			cannot_try("this method refuses regular files");
	}
	for (i = 0; i < num_many; i++)
		eventfd_write(many[i].fd.fd, 1);
	run_rounds(10);
	for (i = 0; i < num; i++) {
		assert_true(files[i].num_calls > 0);
		iv_fd_unregister(&files[i].fd);
		close(files[i].fd.fd);
	}
	run_rounds(num_many);
	assert_calls_of_each(1);

	for (i = 0; i < num_many; i++)
		eventfd_write(many[i].fd.fd, 1);
	run_rounds(num_many);
	assert_calls_of_each(1);
	free(files);
	close(file);
	close_many();
}

static const struct test_case cases[] = {
	TEST(what_came_and_went_in_its_handler_is_not_told),
	TEST(what_a_sibling_has_read_is_not_told),
	TEST(what_came_in_a_siblings_handler_is_told),
	TEST(a_band_that_was_off_is_told_when_it_is_on_again),
	TEST(closing_it_ends_the_other_side_at_once),
	TEST(so_it_does_while_it_is_becoming_ready),
	TEST(so_it_does_when_the_loop_ends),
	TEST(none_of_many_ready_at_once_is_lost),
	TEST(none_of_many_ready_again_and_again_is_lost),
	TEST(none_of_many_changes_at_once_is_lost),
	TEST(none_among_many_ready_from_the_start_is_lost),
};

TEST_MAIN(cases)
