/* SPDX-License-Identifier: MIT */
/*
 * test_task.c - tasks
 */
#include <stdlib.h>
#include <string.h>
#include "harness.h"

static void
set_up(struct iv_task *task, const char *word, void (*handler)(void *cookie))
{
	IV_TASK_INIT(task);
	task->cookie = (void *)(uintptr_t)word;
	task->handler = handler;
	iv_task_register(task);
}

static void it_runs_once(void **state)
{
	struct iv_task task;

	(void)state;
	iv_init();
	set_up(&task, "task", note);
	assert_noted("");
	iv_main();
	assert_noted("task");
	iv_deinit();
}

static void tasks_run_in_order_of_registration(void **state)
{
	struct iv_task a, b, c;

	(void)state;
	iv_init();
	set_up(&b, "b", note);
	set_up(&a, "a", note);
	set_up(&c, "c", note);
	iv_main();
	assert_noted("b a c");
	iv_deinit();
}

/* A loop that slept with a task to run would sleep until the guard. */
static void it_runs_before_the_loop_sleeps(void **state)
{
	struct iv_task task;

	(void)state;
	iv_init();
	set_up(&task, "task", note_and_quit);
	run_until_quit("the task");
	assert_noted("task");
	iv_deinit();
}

static void note_registered(void *cookie)
{
	note(iv_task_registered(cookie) ? "registered" : "unregistered");
}

static void it_is_unregistered_before_its_handler(void **state)
{
	struct iv_task task;

	(void)state;
	iv_init();
	IV_TASK_INIT(&task);
	task.cookie = &task;
	task.handler = note_registered;
	assert_false(iv_task_registered(&task));
	iv_task_register(&task);
	assert_true(iv_task_registered(&task));
	iv_main();
	assert_noted("unregistered");
	iv_deinit();
}

static void free_it(void *cookie)
{
	note("task");
	memset(cookie, 0xa5, sizeof(struct iv_task));
	free(cookie);
}

static void its_handler_may_free_it(void **state)
{
	struct iv_task *task = malloc(sizeof(*task));

	(void)state;
	iv_init();
	IV_TASK_INIT(task);
	task->cookie = task;
	task->handler = free_it;
	iv_task_register(task);
	iv_main();
	assert_noted("task");
	iv_deinit();
}

static void an_unregistered_one_does_not_run(void **state)
{
	struct iv_task task, other;

	(void)state;
	iv_init();
	set_up(&task, "never", note);
	set_up(&other, "other", note);
	iv_task_unregister(&task);
	assert_false(iv_task_registered(&task));
	iv_main();
	assert_noted("other");
	iv_deinit();
}

/* Rounds *******************************************************************/

static struct iv_task again, other;
static struct iv_fd fd;
static int pipefd[2];
static int runs;

static void called_fd(void *word)
{
	note(word);
	if (runs >= 3)
		iv_quit();
}

static void watch_ready_fd(void)
{
	make_pipe(pipefd);
	put_byte(pipefd[1]);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.cookie = "fd";
	fd.handler_in = called_fd;
	iv_fd_register(&fd);
}

static void drop_fd(void)
{
	iv_fd_unregister(&fd);
	close_both(pipefd);
}

static void register_itself(void *word)
{
	note(word);
	if (++runs < 3)
		iv_task_register(&again);
}

static void one_that_registers_itself_waits_for_the_next_round(void **state)
{
	(void)state;
	iv_init();
	watch_ready_fd();
	set_up(&again, "task", register_itself);
	run_until_quit("the descriptor");
	assert_noted("task fd task fd task fd");
	drop_fd();
	iv_deinit();
}

static void register_another(void *word)
{
	note(word);
	runs = 3;
	iv_task_register(&other);
}

static void a_different_one_registered_in_a_round_runs_in_it(void **state)
{
	(void)state;
	iv_init();
	watch_ready_fd();
	IV_TASK_INIT(&other);
	other.cookie = "other";
	other.handler = note;
	set_up(&again, "task", register_another);
	run_until_quit("the descriptor");
	assert_noted("task other fd");
	drop_fd();
	iv_deinit();
}

static void free_it_and_make_another(void *cookie)
{
	struct iv_task *task = cookie;

	note("task");
	free(task);
	if (++runs < 3) {
		task = malloc(sizeof(*task));
		IV_TASK_INIT(task);
		task->cookie = task;
		task->handler = free_it_and_make_another;
		iv_task_register(task);
	}
}

/* Or a chain of tasks, each made by the one before, starves descriptors. */
static void one_initialised_in_the_round_waits_for_the_next(void **state)
{
	struct iv_task *task = malloc(sizeof(*task));

	(void)state;
	iv_init();
	watch_ready_fd();
	IV_TASK_INIT(task);
	task->cookie = task;
	task->handler = free_it_and_make_another;
	iv_task_register(task);
	run_until_quit("the descriptor");
	assert_noted("task fd task fd task fd");
	drop_fd();
	iv_deinit();
}

static void register_the_other(void *cookie)
{
	struct iv_task *task = cookie;

	note(task == &again ? "again" : "other");
	if (runs++ < 3)
		iv_task_register(task == &again ? &other : &again);
}

/* Two tasks that register each other would starve the descriptors too. */
static void two_that_register_each_other_let_descriptors_run(void **state)
{
	(void)state;
	iv_init();
	watch_ready_fd();
	IV_TASK_INIT(&again);
	again.cookie = &again;
	again.handler = register_the_other;
	IV_TASK_INIT(&other);
	other.cookie = &other;
	other.handler = register_the_other;
	iv_task_register(&again);
	run_until_quit("the descriptor");
	assert_noted("again other fd again other fd");
	drop_fd();
	iv_deinit();
}

static void register_in_fd(void *word)
{
	called_fd(word);
	if (runs == 0)
		set_up(&other, "task", note);
	runs = 3;
}

static void one_registered_by_a_descriptor_runs_before_the_next_wait(void **st)
{
	(void)st;
	iv_init();
	watch_ready_fd();
	iv_fd_set_handler_in(&fd, register_in_fd);
	run_until_quit("the descriptor");
	assert_noted("fd task fd");
	drop_fd();
	iv_deinit();
}

/* Misuse *******************************************************************/

static void do_register(void *arg)
{
	(void)arg;
	iv_task_register(&again);
}

static void do_unregister(void *arg)
{
	(void)arg;
	iv_task_unregister(&again);
}

static void registering_twice_is_fatal(void **state)
{
	(void)state;
	iv_init();
	set_up(&again, "never", note);
	expect_fatal(do_register, NULL, "iv_task_register", "already");
	iv_task_unregister(&again);
	iv_deinit();
}

static void unregistering_an_unregistered_one_is_fatal(void **state)
{
	(void)state;
	iv_init();
	IV_TASK_INIT(&again);
	expect_fatal(do_unregister, NULL, "iv_task_unregister",
		     "not registered");
	iv_deinit();
}

static void use_from_another_thread_is_fatal(void **state)
{
	(void)state;
	iv_init();
	set_up(&again, "never", note);
	expect_fatal_elsewhere(do_unregister, NULL, "iv_task_unregister",
			       "another thread");
	iv_task_unregister(&again);
	iv_deinit();
}

static void use_before_init_is_fatal(void **state)
{
	(void)state;
	IV_TASK_INIT(&again);
	expect_fatal(do_register, NULL, "iv_task_register", "iv_init");
	expect_fatal(do_unregister, NULL, "iv_task_unregister", "iv_init");
}

static const struct test_case cases[] = {
	TEST(it_runs_once),
	TEST(tasks_run_in_order_of_registration),
	TEST(it_runs_before_the_loop_sleeps),
	TEST(it_is_unregistered_before_its_handler),
	TEST(its_handler_may_free_it),
	TEST(an_unregistered_one_does_not_run),
	TEST(one_that_registers_itself_waits_for_the_next_round),
	TEST(a_different_one_registered_in_a_round_runs_in_it),
	TEST(one_initialised_in_the_round_waits_for_the_next),
	TEST(two_that_register_each_other_let_descriptors_run),
	TEST(one_registered_by_a_descriptor_runs_before_the_next_wait),
	TEST(registering_twice_is_fatal),
	TEST(unregistering_an_unregistered_one_is_fatal),
	TEST(use_from_another_thread_is_fatal),
	TEST(use_before_init_is_fatal),
};

TEST_MAIN(cases)
