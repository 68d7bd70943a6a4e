/* SPDX-License-Identifier: MIT */
/*
 * test_fatal.c - errors that end the process
 */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "harness.h"

static void die_formatted(void *arg)
{
	iv_fatal("%s: %d of %d", (const char *)arg, 3, 4);
}

static void the_handler_gets_the_formatted_text(void **state)
{
	(void)state;
	assert_string_equal(fatal_text(die_formatted, "this"), "this: 3 of 4");
}

static void die_with(void *text)
{
	iv_fatal("%s", (const char *)text);
}

static void the_text_is_cut_at_1023_bytes(void **state)
{
	char text[3000];
	const char *got;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[0] = 'a';
	text[sizeof(text) - 1] = '\0';
	got = fatal_text(die_with, text);
	assert_int_equal(strlen(got), 1023);
	assert_memory_equal(got, text, 1023);
}

static void it_needs_no_init(void **state)
{
	(void)state;
	assert_false(iv_inited());
	assert_string_equal(fatal_text(die_with, "early"), "early");
}

static void *die_in_thread(void *text)
{
	iv_fatal("%s", (const char *)text);
}

static void start_a_thread_that_dies(void *text)
{
	in_thread(die_in_thread, text);
}

static void any_thread_may_call_it(void **state)
{
	(void)state;
	assert_string_equal(fatal_text(start_a_thread_that_dies, "thread"),
			    "thread");
}

static int die_without_a_handler(void *arg)
{
	const struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	iv_set_fatal_msg_handler(NULL);
	iv_fatal("%s", (const char *)arg);
}

/* What it says to syslog cannot be seen here; that it survives that can. */
static void without_a_handler_it_aborts_all_the_same(void **state)
{
	int status;

	(void)state;
	status = status_of_child(die_without_a_handler,
				 "test_fatal: this line is meant");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void percent_in_an_argument_is_not_a_format(void **state)
{
	(void)state;
	assert_string_equal(fatal_text(die_with, "%s%n"), "%s%n");
}

static const struct test_case cases[] = {
	TEST(the_handler_gets_the_formatted_text),
	TEST(the_text_is_cut_at_1023_bytes),
	TEST(it_needs_no_init),
	TEST(any_thread_may_call_it),
	TEST(without_a_handler_it_aborts_all_the_same),
	TEST(percent_in_an_argument_is_not_a_format),
};

TEST_MAIN(cases)
