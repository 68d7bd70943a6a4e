/* SPDX-License-Identifier: MIT */
/*
 * test_fd.c - descriptors: bands and their handlers
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "harness.h"

static struct iv_fd fd;
static int sock[2];

/* The near end of a socket pair, with nothing to read and room to write. */
static void open_fd(void)
{
	iv_init();
	make_socketpair(sock);
	IV_FD_INIT(&fd);
	fd.fd = sock[0];
}

static void open_readable(void)
{
	open_fd();
	put_byte(sock[1]);
}

static void close_fd(void)
{
	iv_fd_unregister(&fd);
	close_both(sock);
	iv_deinit();
}

/* Register it, run until a handler quits, and close it. */
static void serve_and_expect(const char *words)
{
	iv_fd_register(&fd);
	run_until_quit("the descriptor");
	assert_noted(words);
	close_fd();
}

static void note_in(void *cookie)
{
	(void)cookie;
	note("in");
}

static void note_err(void *cookie)
{
	(void)cookie;
	note("err");
}

static void note_out_and_quit(void *cookie)
{
	(void)cookie;
	note("out");
	iv_quit();
}

static void note_in_and_quit(void *cookie)
{
	(void)cookie;
	note("in");
	iv_quit();
}

static int calls;

static void quit_at_third_call(void *word)
{
	note(word);
	if (++calls == 3)
		iv_quit();
}

static void it_is_level_triggered(void **state)
{
	(void)state;
	open_readable();
	fd.cookie = "in";
	fd.handler_in = quit_at_third_call;
	serve_and_expect("in in in");
}

static void writing_is_level_triggered_too(void **state)
{
	(void)state;
	open_fd();
	fd.cookie = "out";
	fd.handler_out = quit_at_third_call;
	serve_and_expect("out out out");
}

static void read_and_wait(void *cookie)
{
	note(cookie);
	get_byte(sock[0]);
	if (++calls == 2)
		iv_quit();
	else
		put_byte(sock[1]);
}

static void it_is_called_again_when_ready_again(void **state)
{
	(void)state;
	open_readable();
	fd.cookie = "in";
	fd.handler_in = read_and_wait;
	serve_and_expect("in in");
}

/* The deadline tells the iterations apart: each one runs one such task. */
static struct iv_task round_task;
static int rounds;

static void count_rounds(void *limit)
{
	if (++rounds == *(int *)limit)
		iv_quit();
	else
		iv_task_register(&round_task);
}

static void run_rounds(int limit)
{
	IV_TASK_INIT(&round_task);
	round_task.cookie = &limit;
	round_task.handler = count_rounds;
	rounds = 0;
	iv_task_register(&round_task);
	run_until_quit("the rounds");
}

static void ready_at_registration_is_called_in_the_next_iteration(void **state)
{
	(void)state;
	open_readable();
	fd.cookie = "in";
	fd.handler_in = note;
	iv_fd_register(&fd);
	assert_noted("");
	run_rounds(2);
	assert_noted("in");
	close_fd();
}

static void set_handler(void *word)
{
	note(word);
	iv_fd_set_handler_in(&fd, note_in);
	run_rounds(2);
	note("back");
}

static void a_handler_set_while_ready_is_called_in_the_next(void **state)
{
	(void)state;
	open_readable();
	iv_fd_register(&fd);
	run_rounds(5);
	assert_noted("");
	set_handler("set");
	assert_noted("set in back");
	iv_fd_set_handler_in(&fd, NULL);
	run_rounds(5);
	assert_noted("");
	close_fd();
}

static void flipping_a_handler_leaves_it_called(void **state)
{
	int i;

	(void)state;
	open_readable();
	fd.handler_in = note_in;
	iv_fd_register(&fd);
	for (i = 0; i < 1000; i++) {
		iv_fd_set_handler_in(&fd, NULL);
		iv_fd_set_handler_in(&fd, note_in_and_quit);
	}
	run_until_quit("the descriptor");
	assert_noted("in");
	close_fd();
}

static void the_cookie_may_change_at_any_time(void **state)
{
	(void)state;
	open_readable();
	fd.cookie = "before";
	fd.handler_in = note_and_quit;
	iv_fd_register(&fd);
	fd.cookie = "after";
	run_until_quit("the descriptor");
	assert_noted("after");
	fd.cookie = "later";
	run_until_quit("the descriptor");
	assert_noted("later");
	close_fd();
}

/* Several bands ***********************************************************/

static void in_comes_before_out(void **state)
{
	(void)state;
	open_readable();
	fd.handler_in = note_in;
	fd.handler_out = note_out_and_quit;
	serve_and_expect("in out");
}

static void a_hangup_makes_all_bands_ready_error_first(void **state)
{
	(void)state;
	open_fd();
	shutdown(sock[1], SHUT_RDWR);
	fd.handler_in = note_in;
	fd.handler_out = note_out_and_quit;
	fd.handler_err = note_err;
	serve_and_expect("err in out");
}

static void an_error_makes_all_bands_ready(void **state)
{
	int pipefd[2];

	(void)state;
	iv_init();
	make_pipe(pipefd);
	close(pipefd[0]);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[1];
	fd.handler_in = note_in;
	fd.handler_out = note_out_and_quit;
	fd.handler_err = note_err;
	iv_fd_register(&fd);
	run_until_quit("the descriptor");
	assert_noted("err in out");
	iv_fd_unregister(&fd);
	close(pipefd[1]);
	iv_deinit();
}

static void an_ordinary_descriptor_has_no_error(void **state)
{
	(void)state;
	open_readable();
	fd.handler_err = note_err;
	fd.handler_out = note_out_and_quit;
	serve_and_expect("out");
}

static void end_of_stream_is_readable(void **state)
{
	(void)state;
	open_fd();
	shutdown(sock[1], SHUT_WR);
	fd.handler_in = note_in_and_quit;
	fd.handler_err = note_err;
	serve_and_expect("in");
}

static void set_the_others(void *cookie)
{
	note_err(cookie);
	iv_fd_set_handler_in(&fd, note_in);
	iv_fd_set_handler_out(&fd, note_out_and_quit);
	iv_fd_set_handler_err(&fd, NULL);
}

static void a_later_band_set_by_an_earlier_fires_in_the_batch(void **state)
{
	(void)state;
	open_fd();
	shutdown(sock[1], SHUT_RDWR);
	fd.handler_err = set_the_others;
	serve_and_expect("err in out");
}

static void clear_out(void *cookie)
{
	note_in(cookie);
	iv_fd_set_handler_out(&fd, NULL);
	iv_quit();
}

static void a_later_band_cleared_by_an_earlier_does_not_fire(void **state)
{
	(void)state;
	open_readable();
	fd.handler_in = clear_out;
	fd.handler_out = note_out_and_quit;
	serve_and_expect("in");
}

static void note_other_and_quit(void *cookie)
{
	(void)cookie;
	note("other");
	iv_quit();
}

static void replace_out(void *cookie)
{
	note_in(cookie);
	iv_fd_set_handler_out(&fd, note_other_and_quit);
}

static void a_later_band_replaced_by_an_earlier_is_the_new_one(void **state)
{
	(void)state;
	open_readable();
	fd.handler_in = replace_out;
	fd.handler_out = note_out_and_quit;
	serve_and_expect("in other");
}

/* Unregistering from its own handlers ************************************/

static void unregister_and_free(void *cookie)
{
	struct iv_fd *own = cookie;

	note("in");
	iv_fd_unregister(own);
	memset(own, 0xa5, sizeof(*own));
	free(own);
}

static void unregistered_and_freed_in_its_own_handler(void **state)
{
	struct iv_fd *own = malloc(sizeof(*own));

	(void)state;
	open_readable();
	IV_FD_INIT(own);
	own->fd = sock[0];
	own->cookie = own;
	own->handler_in = unregister_and_free;
	own->handler_out = note_out_and_quit;
	iv_fd_register(own);
	iv_main();
	assert_noted("in");
	close_both(sock);
	iv_deinit();
}

static void unregister_and_register(void *cookie)
{
	note("in");
	iv_fd_unregister(&fd);
	fd.handler_in = NULL;
	fd.handler_out = note_out_and_quit;
	fd.cookie = cookie;
	iv_fd_register(&fd);
}

static void registered_again_in_its_own_handler(void **state)
{
	(void)state;
	open_readable();
	fd.handler_in = unregister_and_register;
	serve_and_expect("in out");
}

static void read_and_unregister(void *cookie)
{
	struct iv_fd *own = cookie;

	get_byte(own->fd);
	iv_fd_unregister(own);
	calls++;
}

static void a_thousand_descriptors_are_all_served(void **state)
{
	int num = scaled(1000), i;
	struct iv_fd *fds = calloc((size_t)num, sizeof(*fds));
	int(*pipes)[2] = calloc((size_t)num, sizeof(*pipes));

	(void)state;
	iv_init();
	for (i = 0; i < num; i++) {
		make_pipe(pipes[i]);
		IV_FD_INIT(&fds[i]);
		fds[i].fd = pipes[i][0];
		fds[i].cookie = &fds[i];
		fds[i].handler_in = read_and_unregister;
		iv_fd_register(&fds[i]);
	}
	for (i = 0; i < num; i++)
		put_byte(pipes[i][1]);
	iv_main();
	assert_int_equal(calls, num);
	for (i = 0; i < num; i++)
		close_both(pipes[i]);
	free(pipes);
	free(fds);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(it_is_level_triggered),
	TEST(writing_is_level_triggered_too),
	TEST(it_is_called_again_when_ready_again),
	TEST(ready_at_registration_is_called_in_the_next_iteration),
	TEST(a_handler_set_while_ready_is_called_in_the_next),
	TEST(flipping_a_handler_leaves_it_called),
	TEST(the_cookie_may_change_at_any_time),
	TEST(in_comes_before_out),
	TEST(a_hangup_makes_all_bands_ready_error_first),
	TEST(an_error_makes_all_bands_ready),
	TEST(an_ordinary_descriptor_has_no_error),
	TEST(end_of_stream_is_readable),
	TEST(a_later_band_set_by_an_earlier_fires_in_the_batch),
	TEST(a_later_band_cleared_by_an_earlier_does_not_fire),
	TEST(a_later_band_replaced_by_an_earlier_is_the_new_one),
	TEST(unregistered_and_freed_in_its_own_handler),
	TEST(registered_again_in_its_own_handler),
	TEST(a_thousand_descriptors_are_all_served),
};

TEST_MAIN(cases)
