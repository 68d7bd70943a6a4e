/* SPDX-License-Identifier: MIT */
/*
 * test_io_uring.c - when io_uring is taken, and when it is refused
 *
 * A method is chosen once in a process, so each choice is made in a child. What
 * it does once it is taken all the other tests try.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "harness.h"

static void select_method(const char *name)
{
	unsetenv("IV_EXCLUDE_POLL_METHOD");
	if (name != NULL)
		setenv("IV_SELECT_POLL_METHOD", name, 1);
	else
		unsetenv("IV_SELECT_POLL_METHOD");
}

static int method_differs(void *name)
{
	int differs;

	iv_init();
	differs = strcmp(iv_poll_method_name(), name) != 0;
	iv_deinit();

	return differs;
}

static void do_init(void *arg)
{
	(void)arg;
	iv_init();
}

/* In this process, every later io_uring_setup() fails with @error. */
static void forbid(int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (__u32)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		cannot_try("no filter of system calls can be set");
}

static void init_where_forbidden(void *error)
{
	forbid(*(int *)error);
	iv_init();
}

static int differs_where_forbidden(void *name)
{
	forbid(EPERM);

	return method_differs(name);
}

static int setup_fails(void *arg)
{
	(void)arg;

	/* The address is bad: nothing is set up where it is allowed either. */
	return syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno != EFAULT;
}

static void assert_names_the_others(const char *text)
{
	assert_non_null(text);
	assert_non_null(strstr(text, "io_uring"));
	assert_non_null(strstr(text, "not available"));
	assert_non_null(strstr(text, " epoll"));
	assert_non_null(strstr(text, " poll"));
}

static void it_is_never_chosen_unasked(void **state)
{
	(void)state;
	select_method(NULL);
	in_child(method_differs, "epoll");
	setenv("IV_EXCLUDE_POLL_METHOD", "epoll-timerfd epoll ppoll poll", 1);
	expect_fatal(do_init, NULL, "iv_init", "IV_EXCLUDE_POLL_METHOD");
}

static void it_is_taken_when_selected(void **state)
{
	(void)state;
	if (on_valgrind() || status_of_child(setup_fails, NULL) != 0)
		cannot_try("io_uring is unavailable here");
	select_method("io_uring");
	in_child(method_differs, "io_uring");
}

static void on_valgrind_it_is_refused(void **state)
{
	(void)state;
	if (!on_valgrind())
		cannot_try("not on valgrind");
	select_method("io_uring");
	assert_names_the_others(fatal_text(do_init, NULL));
}

static void where_forbidden_it_is_refused(void **state)
{
	static int errors[] = { EPERM, ENOSYS, EACCES };
	size_t i;

	(void)state;
	select_method("io_uring");
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		assert_names_the_others(
			fatal_text(init_where_forbidden, &errors[i]));
}

static void where_forbidden_the_others_serve(void **state)
{
	(void)state;
	select_method(NULL);
	in_child(differs_where_forbidden, "epoll");
	select_method("poll");
	in_child(differs_where_forbidden, "poll");
}

static const struct test_case cases[] = {
	TEST(it_is_never_chosen_unasked),
	TEST(it_is_taken_when_selected),
	TEST(on_valgrind_it_is_refused),
	TEST(where_forbidden_it_is_refused),
	TEST(where_forbidden_the_others_serve),
};

TEST_MAIN(cases)
