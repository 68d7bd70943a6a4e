/* SPDX-License-Identifier: MIT */
/*
 * test_fd_misuse.c - descriptors used against their contract
 */
#include <unistd.h>
#include "harness.h"

static struct iv_fd fd;
static int pipefd[2];

static void set_nothing(void *cookie)
{
	(void)cookie;
}

static void register_object(void *arg)
{
	(void)arg;
	iv_fd_register(&fd);
}

static void register_again(void *arg)
{
	(void)arg;
	iv_init();
	iv_fd_register(&fd);
	iv_fd_register(&fd);
}

static void try_again(void *arg)
{
	(void)arg;
	iv_init();
	iv_fd_register(&fd);
	iv_fd_register_try(&fd);
}

static void unregister(void *arg)
{
	(void)arg;
	iv_fd_unregister(&fd);
}

static void set_in(void *arg)
{
	(void)arg;
	iv_fd_set_handler_in(&fd, set_nothing);
}

static void set_out(void *arg)
{
	(void)arg;
	iv_fd_set_handler_out(&fd, set_nothing);
}

static void set_err(void *arg)
{
	(void)arg;
	iv_fd_set_handler_err(&fd, set_nothing);
}

static void registering_an_object_twice_is_fatal(void **state)
{
	(void)state;
	make_pipe(pipefd);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	expect_fatal(register_again, NULL, "iv_fd_register", "already");
	expect_fatal(try_again, NULL, "iv_fd_register_try", "already");
	close_both(pipefd);
}

static void use_of_an_unregistered_one_is_fatal(void **state)
{
	(void)state;
	iv_init();
	IV_FD_INIT(&fd);
	fd.fd = STDIN_FILENO;
	expect_fatal(unregister, NULL, "iv_fd_unregister", "not registered");
	expect_fatal(set_in, NULL, "iv_fd_set_handler_in", "not registered");
	expect_fatal(set_out, NULL, "iv_fd_set_handler_out", "not registered");
	expect_fatal(set_err, NULL, "iv_fd_set_handler_err", "not registered");
	iv_deinit();
}

static void use_from_another_thread_is_fatal(void **state)
{
	(void)state;
	iv_init();
	make_pipe(pipefd);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	iv_fd_register(&fd);
	expect_fatal_elsewhere(unregister, NULL, "iv_fd_unregister",
			       "another thread");
	expect_fatal_elsewhere(set_in, NULL, "iv_fd_set_handler_in",
			       "another thread");
	expect_fatal_elsewhere(register_object, NULL, "iv_fd_register",
			       "already");
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

static void use_before_init_is_fatal(void **state)
{
	(void)state;
	make_pipe(pipefd);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	expect_fatal(register_object, NULL, "iv_fd_register", "iv_init");
	expect_fatal(unregister, NULL, "iv_fd_unregister", "iv_init");
	expect_fatal(set_in, NULL, "iv_fd_set_handler_in", "iv_init");
	close_both(pipefd);
}

static const struct test_case cases[] = {
	TEST(registering_an_object_twice_is_fatal),
	TEST(use_of_an_unregistered_one_is_fatal),
	TEST(use_from_another_thread_is_fatal),
	TEST(use_before_init_is_fatal),
};

TEST_MAIN(cases)
