/* SPDX-License-Identifier: MIT */
/*
 * test_thread.c - threads that keep the loop which created them alive
 */
#include <dlfcn.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <iv_thread.h>
#include "harness.h"

/* Stands in for the C library's, to have threads refused. */
static atomic_bool refuse_threads;

/* clang's ThreadSanitizer links its own into the program by this name. */
extern int
__interceptor_pthread_create(pthread_t *, const pthread_attr_t *,
			     void *(*)(void *), void *) __attribute__((weak));

int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
		   void *(*start)(void *arg), void *arg)
{
	int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
		    void *) = __interceptor_pthread_create;

	if (next == NULL)
		next = dlsym(RTLD_NEXT, "pthread_create");
	if (atomic_load(&refuse_threads))
		return EAGAIN;

	return next(thread, attr, start, arg);
}

static atomic_int ended;

static void end(void *arg)
{
	if (arg != NULL)
		*(int *)arg = 42;
	atomic_fetch_add(&ended, 1);
}

static void it_runs_the_function_with_its_argument(void **state)
{
	int value = 0;

	(void)state;
	iv_init();
	assert_int_equal(iv_thread_create("thread", end, &value), 0);
	iv_main();
	assert_int_equal(value, 42);
	iv_deinit();
}

static sem_t may_end;

static void wait_and_end(void *arg)
{
	await(&may_end);
	end(arg);
}

static void let_it_end(void *word)
{
	note(word);
	sem_post(&may_end);
}

static void the_loop_stays_alive_until_the_thread_has_ended(void **state)
{
	struct iv_timer timer;

	(void)state;
	sem_init(&may_end, 0, 0);
	iv_init();
	assert_int_equal(iv_thread_create("thread", wait_and_end, NULL), 0);
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(5);
	timer.cookie = "timer";
	timer.handler = let_it_end;
	iv_timer_register(&timer);
	iv_main();
	assert_int_equal(atomic_load(&ended), 1);
	assert_noted("timer");
	iv_deinit();
	sem_destroy(&may_end);
}

static void run_a_loop(void *arg)
{
	struct iv_timer timer;

	(void)arg;
	iv_init();
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(1);
	timer.handler = end;
	timer.cookie = NULL;
	iv_timer_register(&timer);
	iv_main();
	iv_deinit();
}

static void the_thread_may_have_a_loop(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(iv_thread_create("loop", run_a_loop, NULL), 0);
	iv_main();
	assert_int_equal(atomic_load(&ended), 1);
	iv_deinit();
}

static void leave_a_loop_open(void *arg)
{
	iv_init();
	end(arg);
}

static void the_thread_may_end_without_deinit(void **state)
{
	int before;

	(void)state;
	iv_init();
	assert_int_equal(iv_thread_create("loop", leave_a_loop_open, NULL), 0);
	iv_main();
	before = num_open_fds();
	assert_int_equal(iv_thread_create("loop", leave_a_loop_open, NULL), 0);
	iv_main();
	assert_int_equal(num_open_fds(), before);
	iv_deinit();
}

static void exit_thread(void *arg)
{
	end(arg);
	pthread_exit(NULL);
}

static void the_thread_may_end_by_pthread_exit(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(iv_thread_create("exit", exit_thread, NULL), 0);
	iv_main();
	assert_int_equal(atomic_load(&ended), 1);
	iv_deinit();
}

static void start_another(void *arg)
{
	iv_init();
	if (iv_thread_create("inner", end, arg) != 0)
		abort();
	iv_main();
	iv_deinit();
	end(NULL);
}

static void a_thread_may_create_threads(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(iv_thread_create("outer", start_another, NULL), 0);
	iv_main();
	assert_int_equal(atomic_load(&ended), 2);
	iv_deinit();
}

static void many_threads_are_all_joined(void **state)
{
	int num = under_a_tool() ? 20 : 500, i;

	(void)state;
	iv_init();
	for (i = 0; i < num; i++)
		assert_int_equal(iv_thread_create("many", end, NULL), 0);
	iv_main();
	assert_int_equal(atomic_load(&ended), num);
	iv_deinit();
}

static void see_name(void *buf)
{
	pthread_getname_np(pthread_self(), buf, 16);
}

static void the_name_is_copied_and_cut_for_the_system(void **state)
{
	char name[] = "a name longer than 15 bytes", seen[16] = "";

	(void)state;
	iv_init();
	assert_int_equal(iv_thread_create(name, see_name, seen), 0);
	memset(name, 'x', sizeof(name) - 1);
	iv_main();
	assert_string_equal(seen, "a name longer t");
	iv_deinit();
}

/* What is printed on stderr ************************************************/

static int kept_stderr, captured;

static void capture_stderr(void)
{
	kept_stderr = dup(STDERR_FILENO);
	captured = memfd_create("stderr", 0);
	dup2(captured, STDERR_FILENO);
}

/* Ends the capture; the text is good until the next one. */
static const char *captured_text(void)
{
	static char text[4096];
	ssize_t len;

	dup2(kept_stderr, STDERR_FILENO);
	close(kept_stderr);
	len = pread(captured, text, sizeof(text) - 1, 0);
	assert_true(len >= 0);
	text[len] = '\0';
	close(captured);

	return text;
}

static int occurrences(const char *text, const char *word)
{
	int num = 0;

	while ((text = strstr(text, word)) != NULL) {
		text++;
		num++;
	}

	return num;
}

static void debug_state_prints_creation_and_end(void **state)
{
	(void)state;
	iv_init();
	iv_thread_set_debug_state(1);
	capture_stderr();
	assert_int_equal(iv_thread_create("watched", end, NULL), 0);
	iv_main();
	assert_in_range(occurrences(captured_text(), "watched"), 2, 4);

	iv_thread_set_debug_state(0);
	capture_stderr();
	assert_int_equal(iv_thread_create("watched", end, NULL), 0);
	iv_main();
	assert_string_equal(captured_text(), "");
	iv_deinit();
}

static void list_and_let_go(void *word)
{
	(void)word;
	capture_stderr();
	iv_thread_list_children();
	note(strstr(captured_text(), "a child") != NULL ? "listed" : "lost");
	sem_post(&may_end);
}

static void list_children_prints_live_ones(void **state)
{
	struct iv_timer timer;

	(void)state;
	sem_init(&may_end, 0, 0);
	iv_init();
	assert_int_equal(iv_thread_create("a child", wait_and_end, NULL), 0);
	IV_TIMER_INIT(&timer);
	timer.expires = iv_now;
	timer.handler = list_and_let_go;
	iv_timer_register(&timer);
	iv_main();
	assert_noted("listed");

	capture_stderr();
	iv_thread_list_children();
	assert_null(strstr(captured_text(), "a child"));
	iv_deinit();
	sem_destroy(&may_end);
}

/* Numbers *****************************************************************/

static void *tell_id(void *arg)
{
	(void)arg;

	return (void *)(uintptr_t)(iv_get_thread_id() == iv_thread_get_id()
					   ? iv_get_thread_id()
					   : 0);
}

static void numbers_tell_threads_apart(void **state)
{
	unsigned long own = iv_get_thread_id();

	(void)state;
	assert_int_not_equal(own, 0);
	assert_int_equal(iv_thread_get_id(), own);
	assert_int_equal(iv_get_thread_id(), own);
	assert_int_not_equal((unsigned long)in_thread(tell_id, NULL), own);
	assert_int_not_equal((unsigned long)in_thread(tell_id, NULL), 0);
}

/* Refusals ****************************************************************/

static void a_refused_thread_leaves_nothing(void **state)
{
	int before;

	(void)state;
	iv_init();
	assert_int_equal(iv_thread_create("first", end, NULL), 0);
	iv_main();
	before = num_open_fds();
	atomic_store(&refuse_threads, true);
	assert_int_equal(iv_thread_create("refused", end, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	atomic_store(&refuse_threads, false);
	iv_main();
	assert_int_equal(num_open_fds(), before);
	assert_int_equal(atomic_load(&ended), 1);
	iv_deinit();
}

static void without_descriptors_it_works_or_refuses(void **state)
{
	int num, ret, wanted = 0;

	(void)state;
	for (num = 0; num <= 4; num++) {
		iv_init();
		leave_descriptors(num);
		ret = iv_thread_create("thread", end, NULL);
		if (ret == 0)
			wanted++;
		else
			assert_int_equal(errno, EMFILE);
		iv_main();
		give_descriptors_back();
		assert_int_equal(atomic_load(&ended), wanted);
		iv_deinit();
	}
	assert_in_range(wanted, 1, 5);
}

static void create(void *arg)
{
	iv_thread_create("early", end, arg);
}

static void list(void *arg)
{
	(void)arg;
	iv_thread_list_children();
}

static void use_before_init_is_fatal(void **state)
{
	(void)state;
	expect_fatal(create, NULL, "iv_thread_create", "iv_init");
	expect_fatal(list, NULL, "iv_thread_list_children", "iv_init");
}

static const struct test_case cases[] = {
	TEST(it_runs_the_function_with_its_argument),
	TEST(the_loop_stays_alive_until_the_thread_has_ended),
	TEST(the_thread_may_have_a_loop),
	TEST(the_thread_may_end_without_deinit),
	TEST(the_thread_may_end_by_pthread_exit),
	TEST(a_thread_may_create_threads),
	TEST(many_threads_are_all_joined),
	TEST(the_name_is_copied_and_cut_for_the_system),
	TEST(debug_state_prints_creation_and_end),
	TEST(list_children_prints_live_ones),
	TEST(numbers_tell_threads_apart),
	TEST(a_refused_thread_leaves_nothing),
	TEST(without_descriptors_it_works_or_refuses),
	TEST(use_before_init_is_fatal),
};

TEST_MAIN(cases)
