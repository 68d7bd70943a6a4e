/* SPDX-License-Identifier: MIT */
/*
 * test_regression_spin.c - what has made other event runtimes burn a processor
 *
 * Waits for the kernel are counted by standing in for the C library's calls:
 * that tells a loop that spins from one that sleeps without a clock.
 */
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "harness.h"

static int waits;

static void *next_function(const char *name)
{
	waits++;

	return dlsym(RTLD_NEXT, name);
}

int poll(struct pollfd *fds, nfds_t num, int timeout_ms)
{
	int (*next)(struct pollfd *, nfds_t, int) = next_function("poll");

	return next(fds, num, timeout_ms);
}

int ppoll(struct pollfd *fds, nfds_t num, const struct timespec *timeout,
	  const sigset_t *mask)
{
	int (*next)(struct pollfd *, nfds_t, const struct timespec *,
		    const sigset_t *) = next_function("ppoll");

	return next(fds, num, timeout, mask);
}

int epoll_wait(int epfd, struct epoll_event *events, int num, int timeout_ms)
{
	int (*next)(int, struct epoll_event *, int, int) =
		next_function("epoll_wait");

	return next(epfd, events, num, timeout_ms);
}

int epoll_pwait2(int epfd, struct epoll_event *events, int num,
		 const struct timespec *timeout, const sigset_t *mask)
{
	int (*next)(int, struct epoll_event *, int, const struct timespec *,
		    const sigset_t *) = next_function("epoll_pwait2");

	return next(epfd, events, num, timeout, mask);
}

/* liburing's, which a build may be without; its types do not matter here. */
int io_uring_submit_and_get_events(void *ring);
int io_uring_submit_and_wait(void *ring, unsigned int num);
int io_uring_submit_and_wait_timeout(void *ring, void **entry, unsigned int num,
				     void *timeout, sigset_t *mask);

int io_uring_submit_and_get_events(void *ring)
{
	int (*next)(void *) = next_function("io_uring_submit_and_get_events");

	return next(ring);
}

int io_uring_submit_and_wait(void *ring, unsigned int num)
{
	int (*next)(void *, unsigned int) =
		next_function("io_uring_submit_and_wait");

	return next(ring, num);
}

int io_uring_submit_and_wait_timeout(void *ring, void **entry, unsigned int num,
				     void *timeout, sigset_t *mask)
{
	int (*next)(void *, void **, unsigned int, void *, sigset_t *) =
		next_function("io_uring_submit_and_wait_timeout");

	return next(ring, entry, num, timeout, mask);
}

static struct iv_fd fd;
static struct iv_timer end_timer;

/*
 * Let the loop sleep for a while. A spin makes thousands of waits; a few are
 * the kernel's affair, but there is at least one.
 */
static void assert_sleeps(void)
{
	IV_TIMER_INIT(&end_timer);
	end_timer.expires = after_ms(100);
	end_timer.cookie = "end";
	end_timer.handler = note_and_quit;
	iv_timer_register(&end_timer);
	waits = 0;
	iv_main();
	assert_in_range(waits, 1, 20);
	assert_noted("end");
}

static void watch(int number, void (*handler_in)(void *cookie))
{
	IV_FD_INIT(&fd);
	fd.fd = number;
	fd.cookie = "fd";
	fd.handler_in = handler_in;
	iv_fd_register(&fd);
}

/* A pipe that has been served once, so that the kernel knows of it. */
static void watch_ready(int pipefd[2])
{
	make_pipe(pipefd);
	put_byte(pipefd[1]);
	watch(pipefd[0], note_and_quit);
	run_until_quit("the descriptor");
	assert_noted("fd");
}

static void a_hangup_without_handlers_does_not_spin(void **state)
{
	int sock[2];

	(void)state;
	iv_init();
	make_socketpair(sock);
	watch(sock[0], NULL);
	close(sock[1]);
	assert_sleeps();
	iv_fd_set_handler_in(&fd, note_and_quit);
	run_until_quit("the hang-up");
	assert_noted("fd");
	iv_fd_set_handler_in(&fd, NULL);
	assert_sleeps();
	iv_fd_unregister(&fd);
	close(sock[0]);
	iv_deinit();
}

static void an_error_without_handlers_does_not_spin(void **state)
{
	int pipefd[2];

	(void)state;
	iv_init();
	make_pipe(pipefd);
	watch(pipefd[1], NULL);
	close(pipefd[0]);
	assert_sleeps();
	iv_fd_unregister(&fd);
	close(pipefd[1]);
	iv_deinit();
}

/* Its peer has said all, which some methods tell unasked. */
static void a_half_closed_one_that_cannot_be_written_does_not_spin(void **state)
{
	char bytes[4096] = { 0 };
	int sock[2];

	(void)state;
	iv_init();
	make_socketpair(sock);
	watch(sock[0], NULL);
	while (write(sock[0], bytes, sizeof(bytes)) > 0)
		;
	iv_fd_set_handler_out(&fd, note_and_quit);
	shutdown(sock[1], SHUT_WR);
	assert_sleeps();
	while (recv(sock[1], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	run_until_quit("room to write");
	assert_noted("fd");
	iv_fd_unregister(&fd);
	close_both(sock);
	iv_deinit();
}

static struct iv_timer writer;
static int num_writes;

static void write_on(void *peer)
{
	put_byte(*(int *)peer);
	if (--num_writes == 0) {
		iv_quit();
		return;
	}
	writer.expires = after_ms(1);
	iv_timer_register(&writer);
}

static void one_switched_off_is_not_woken_for_each_message(void **state)
{
	int sock[2];

	(void)state;
	iv_init();
	make_socketpair(sock);
	watch(sock[0], note);
	assert_sleeps();
	iv_fd_set_handler_in(&fd, NULL);
	IV_TIMER_INIT(&writer);
	writer.expires = after_ms(1);
	writer.cookie = &sock[1];
	writer.handler = write_on;
	num_writes = 50;
	iv_timer_register(&writer);
	waits = 0;
	iv_main();
	/* One for each writing, and not a second one for what it wrote. */
	assert_in_range(waits, 1, 75);
	assert_noted("");
	iv_fd_unregister(&fd);
	close_both(sock);
	iv_deinit();
}

static void one_kept_open_by_a_dup_does_not_spin(void **state)
{
	int pipefd[2], dupfd;

	(void)state;
	iv_init();
	watch_ready(pipefd);
	dupfd = dup(pipefd[0]);
	iv_fd_unregister(&fd);
	close(pipefd[0]);
	assert_sleeps();
	close(dupfd);
	close(pipefd[1]);
	iv_deinit();
}

/* The program's error, but no reason to burn a processor for ever. */
static void one_closed_before_unregistering_does_not_spin(void **state)
{
	int pipefd[2], dupfd;

	(void)state;
	iv_init();
	watch_ready(pipefd);
	dupfd = dup(pipefd[0]);
	close(pipefd[0]);
	iv_fd_unregister(&fd);
	assert_sleeps();
	close(dupfd);
	close(pipefd[1]);
	iv_deinit();
}

/* What the kernel still reports of the old one must not reach the new one. */
static void its_number_used_again_is_not_called_for_it(void **state)
{
	int pipefd[2], others[2], dupfd;

	(void)state;
	iv_init();
	watch_ready(pipefd);
	make_pipe(others);
	dupfd = dup(pipefd[0]);
	close(pipefd[0]);
	iv_fd_unregister(&fd);
	assert_int_equal(dup2(others[0], pipefd[0]), pipefd[0]);
	watch(pipefd[0], note_and_quit);
	assert_sleeps();
	put_byte(others[1]);
	run_until_quit("the new descriptor");
	assert_noted("fd");
	iv_fd_unregister(&fd);
	close(dupfd);
	close_both(pipefd);
	close_both(others);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_hangup_without_handlers_does_not_spin),
	TEST(an_error_without_handlers_does_not_spin),
	TEST(a_half_closed_one_that_cannot_be_written_does_not_spin),
	TEST(one_switched_off_is_not_woken_for_each_message),
	TEST(one_kept_open_by_a_dup_does_not_spin),
	TEST(one_closed_before_unregistering_does_not_spin),
	TEST(its_number_used_again_is_not_called_for_it),
};

TEST_MAIN(cases)
