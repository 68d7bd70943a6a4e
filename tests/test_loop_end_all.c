/* SPDX-License-Identifier: MIT */
/*
 * test_loop_end_all.c - several loops that end: each other, or all at once
 */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>
#include "loop_subject_bed.h"

static pthread_barrier_t both;

static void end_other(void *cookie)
{
	struct subject *subject = cookie;

	pthread_barrier_wait(&both);
	subject->ret =
		iv_loop_end(subject->other->id, IV_LOOP_DRAIN, -1, NULL, NULL);
}

static void two_that_end_each_other_do(void **state)
{
	struct subject first = { .set_up = stay };
	struct subject second = { .set_up = stay, .other = &first };

	(void)state;
	first.other = &second;
	pthread_barrier_init(&both, NULL, 2);
	start(&first);
	start(&second);
	assert_int_equal(iv_loop_call(first.id, end_other, &first, NULL), 0);
	assert_int_equal(iv_loop_call(second.id, end_other, &second, NULL), 0);
	finish(&first);
	finish(&second);
	assert_true((first.ret == 0 && second.ret == -EDEADLK) ||
		    (first.ret == -EDEADLK && second.ret == 0));
}

enum { NUM = 8 };

static int num_loops(const struct list *list)
{
	int num = 0;
	int i, j;

	for (i = 0; i < list->num; i++) {
		for (j = 0; j < i && list->id[j] != list->id[i]; j++)
			continue;
		num += j == i;
	}

	return num;
}

static void of_all_those_that_go_on_are_named(void **state)
{
	static struct subject subjects[NUM] = { { .set_up = create_thread } };
	struct list list = { .num = 0 };
	int num;
	int i;

	(void)state;
	start(&subjects[0]);
	for (i = 1; i < NUM; i++) {
		subjects[i].set_up = create_pool;
		start(&subjects[i]);
		sem_post(&subjects[i].gate);
	}
	num = iv_loop_end_all(IV_LOOP_DRAIN, 100000000, add_line, &list);
	assert_true(num >= 1);
	assert_int_equal(num, num_loops(&list));
	assert_true(says(&list, subjects[0].id, ""));
	for (i = 0; i < NUM; i++)
		finish(&subjects[i]);
	await(&subjects[0].passed);
}

static void all_are_ended_at_once(void **state)
{
	struct subject subjects[NUM] = { { .held = false } };
	int i;

	(void)state;
	for (i = 0; i < NUM; i++) {
		subjects[i].set_up = create_pool;
		start(&subjects[i]);
		sem_post(&subjects[i].gate);
	}
	assert_int_equal(iv_loop_end_all(IV_LOOP_DRAIN, -1, NULL, NULL), 0);
	assert_int_equal(iv_loop_count(), 0);
	for (i = 0; i < NUM; i++)
		finish(&subjects[i]);
}

/* A thread with a loop of its own, for which its creator's waits. */
static void run_loop(void *cookie)
{
	struct subject *subject = cookie;

	iv_init();
	stay(subject);
	sem_post(&subject->begun);
	iv_main();
	iv_event_unregister(&subject->stay);
	iv_deinit();
}

static void create_loop(struct subject *subject)
{
	if (iv_thread_create("loop", run_loop, subject) != 0)
		abort();
}

static void creators_and_created_end_together(void **state)
{
	struct subject subjects[NUM] = { { .held = false } };
	int i;

	(void)state;
	for (i = 0; i < NUM; i++) {
		subjects[i].set_up = create_loop;
		start(&subjects[i]);
		await(&subjects[i].begun);
	}
	assert_int_equal(iv_loop_count(), 2 * NUM);
	assert_int_equal(iv_loop_end_all(IV_LOOP_DRAIN, -1, NULL, NULL), 0);
	assert_int_equal(iv_loop_count(), 0);
	for (i = 0; i < NUM; i++)
		finish(&subjects[i]);
}

/* It ends when it is told to, not before. */
static void run_loop_late(void *cookie)
{
	struct subject *subject = cookie;

	await(&subject->gate);
	run_loop(subject);
}

static void create_late_loop(struct subject *subject)
{
	if (iv_thread_create("late", run_loop_late, subject) != 0)
		abort();
}

static int open_gate_once_told(void *cookie)
{
	struct subject *subject = cookie;

	if (iv_loop_stopped())
		sem_post(&subject->gate);

	return iv_loop_stopped();
}

static void *watch(void *arg)
{
	struct subject *subject = arg;
	int is_told = 0;

	while (!is_told)
		iv_loop_call_wait(subject->id, open_gate_once_told, subject, -1,
				  &is_told);

	return NULL;
}

static void one_that_opens_behind_the_order_is_told(void **state)
{
	struct subject creator = { .set_up = create_late_loop };
	pthread_t watcher;

	(void)state;
	start(&creator);
	watcher = start_thread(watch, &creator);
	assert_int_equal(iv_loop_end_all(IV_LOOP_DRAIN, -1, NULL, NULL), 0);
	assert_int_equal(iv_loop_count(), 0);
	join_thread(watcher);
	finish(&creator);
}

static int end_in_child;

static void fork_once(void *cookie, iv_loop_id id, const char *what)
{
	(void)cookie;
	(void)id;
	(void)what;
	if (end_in_child == 0)
		end_in_child = fork() == 0 ? 1 : -1;
}

static void a_child_does_not_wait_for_the_parents_loops(void **state)
{
	struct subject subjects[2] = { { .held = true }, { .held = true } };
	int status = -1;
	int num;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		subjects[i].set_up = stay;
		start(&subjects[i]);
	}
	num = iv_loop_end_all(IV_LOOP_DRAIN, 1000000, fork_once, NULL);
	if (end_in_child == 1)
		leave_child(num == 1 ? 0 : 1);
	assert_int_equal(num, 2);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	for (i = 0; i < 2; i++)
		finish(&subjects[i]);
}

static const struct test_case cases[] = {
	TEST(two_that_end_each_other_do),
	TEST(of_all_those_that_go_on_are_named),
	TEST(all_are_ended_at_once),
	TEST(creators_and_created_end_together),
	TEST(one_that_opens_behind_the_order_is_told),
	TEST(a_child_does_not_wait_for_the_parents_loops),
};

TEST_MAIN(cases)
