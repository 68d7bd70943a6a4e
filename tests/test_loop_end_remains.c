/* SPDX-License-Identifier: MIT */
/*
 * test_loop_end_remains.c - loops that are ended by other threads, and do not
 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <iv_event.h>
#include <iv_loop.h>
#include <iv_thread.h>
#include <iv_work.h>
#include "harness.h"

/* The loop that is ended **************************************************/

struct subject {
	pthread_t thread;
	iv_loop_id id;
	void (*set_up)(struct subject *subject); /* NULL: it listens, no more */
	bool held;				 /* before iv_main() */
	bool lingers;				 /* before iv_deinit() */
	sem_t open, go, returned, leave;
	sem_t gate;   /* for whatever it waits */
	sem_t begun;  /* in front of the gate */
	sem_t passed; /* behind it */
	iv_loop_id worker;
	int ret; /* of an end in its own handler */
	struct subject *other;
	struct iv_event stay;
	struct iv_work_pool pool;
	struct iv_work_item item;
};

static void *live(void *arg)
{
	struct subject *subject = arg;

	iv_init();
	subject->id = iv_loop_self();
	if (subject->set_up != NULL)
		subject->set_up(subject);
	sem_post(&subject->open);
	if (subject->held)
		await(&subject->go);
	iv_main();
	sem_post(&subject->returned);
	if (subject->lingers)
		await(&subject->leave);
	iv_deinit();

	return NULL;
}

static void start(struct subject *subject)
{
	sem_init(&subject->open, 0, 0);
	sem_init(&subject->go, 0, 0);
	sem_init(&subject->returned, 0, 0);
	sem_init(&subject->leave, 0, 0);
	sem_init(&subject->gate, 0, 0);
	sem_init(&subject->begun, 0, 0);
	sem_init(&subject->passed, 0, 0);
	subject->thread = start_thread(live, subject);
	await(&subject->open);
}

static void stay(struct subject *subject)
{
	subject->stay.handler = never_posted;
	if (iv_event_register(&subject->stay) != 0)
		abort();
}

static void wait_at_gate(void *cookie)
{
	struct subject *subject = cookie;

	sem_post(&subject->begun);
	await(&subject->gate);
	sem_post(&subject->passed);
}

static void create_thread(struct subject *subject)
{
	if (iv_thread_create("resolver", wait_at_gate, subject) != 0)
		abort();
}

static void work_at_gate(void *cookie)
{
	struct subject *subject = cookie;

	subject->worker = iv_loop_self();
	wait_at_gate(subject);
}

static void create_pool(struct subject *subject)
{
	IV_WORK_POOL_INIT(&subject->pool);
	subject->pool.max_threads = 1;
	if (iv_work_pool_create(&subject->pool) != 0)
		abort();
	subject->item.cookie = subject;
	subject->item.work = work_at_gate;
	iv_work_pool_submit_work(&subject->pool, &subject->item);
}

/* Who ends it *************************************************************/

enum { MAX_LINES = 64, MAX_LINE = 128 };

struct list {
	int num;
	iv_loop_id id[MAX_LINES];
	char line[MAX_LINES][MAX_LINE];
};

static void add_line(void *cookie, iv_loop_id id, const char *what)
{
	struct list *list = cookie;

	if (list->num == MAX_LINES)
		abort();
	list->id[list->num] = id;
	strncpy(list->line[list->num++], what, MAX_LINE - 1);
}

static bool says(const struct list *list, iv_loop_id id, const char *words)
{
	int i;

	for (i = 0; i < list->num; i++) {
		if (list->id[i] == id && strstr(list->line[i], words) != NULL)
			return true;
	}

	return false;
}

/* Ends a loop and takes its time. */
struct patient {
	pthread_t thread;
	iv_loop_id id;
	int ret;
	struct list list;
};

static void *end_in_peace(void *arg)
{
	struct patient *patient = arg;

	patient->ret = iv_loop_end(patient->id, IV_LOOP_DRAIN, -1, add_line,
				   &patient->list);

	return NULL;
}

static int is_told(void *cookie)
{
	(void)cookie;

	return iv_loop_stopped();
}

/* The bell is answered ahead of the call that follows. */
static void begin_end(struct patient *patient, iv_loop_id id)
{
	int told = 0;

	memset(patient, 0, sizeof(*patient));
	patient->id = id;
	patient->thread = start_thread(end_in_peace, patient);
	while (!told) {
		assert_int_equal(
			iv_loop_call_wait(id, is_told, NULL, -1, &told), 0);
		sched_yield();
	}
	assert_int_equal(iv_loop_call_wait(id, is_told, NULL, -1, &told), 0);
}

/* Without a moment left. */
static int end_now(iv_loop_id id, struct list *list)
{
	memset(list, 0, sizeof(*list));

	return iv_loop_end(id, IV_LOOP_DRAIN, 0, add_line, list);
}

static void finish(struct subject *subject)
{
	sem_post(&subject->go);
	sem_post(&subject->leave);
	sem_post(&subject->gate);
	sem_post(&subject->gate);
	join_thread(subject->thread);
}

/* What remains ************************************************************/

static void a_thread_that_goes_on_is_named(void **state)
{
	static struct subject subject = { .set_up = create_thread };
	struct patient patient;
	struct list list;

	(void)state;
	start(&subject);
	begin_end(&patient, subject.id);
	assert_int_equal(end_now(subject.id, &list), -ETIMEDOUT);
	assert_true(says(&list, subject.id, "the thread 'resolver' runs"));

	/* The earlier time counts for both. */
	join_thread(patient.thread);
	assert_int_equal(patient.ret, -ETIMEDOUT);
	assert_true(
		says(&patient.list, subject.id, "the thread 'resolver' runs"));
	assert_int_equal(patient.list.num, 1);
	finish(&subject);
	await(&subject.passed);
}

static void one_that_ends_is_waited_for(void **state)
{
	struct subject subject = { .set_up = create_thread };
	struct patient patient;

	(void)state;
	start(&subject);
	begin_end(&patient, subject.id);
	sem_post(&subject.gate);
	join_thread(patient.thread);
	assert_int_equal(patient.ret, 0);
	assert_int_equal(patient.list.num, 0);
	finish(&subject);
}

static void a_work_function_that_runs_is_named(void **state)
{
	struct subject subject = { .set_up = create_pool };
	struct patient patient;
	struct list list;

	(void)state;
	start(&subject);
	await(&subject.begun);
	begin_end(&patient, subject.id);
	assert_int_equal(end_now(subject.id, &list), -ETIMEDOUT);
	assert_true(says(&list, subject.id,
			 "a pool: threads: 1, of them at work: 1"));
	join_thread(patient.thread);
	assert_int_equal(patient.ret, -ETIMEDOUT);

	/* iv_deinit() waits for it. */
	do {
		assert_int_equal(end_now(subject.id, &list), -ETIMEDOUT);
	} while (!says(&list, subject.id, "iv_deinit() runs"));
	assert_true(says(&list, subject.id, "a pool: threads: 1"));
	finish(&subject);
}

static void a_handler_that_does_not_return_is_named(void **state)
{
	static struct subject subject = { .set_up = create_thread };
	struct patient patient;
	struct list list;

	(void)state;
	start(&subject);
	await(&subject.begun);
	begin_end(&patient, subject.id);
	assert_int_equal(iv_loop_call(subject.id, wait_at_gate, &subject, NULL),
			 0);
	await(&subject.begun);
	assert_int_equal(end_now(subject.id, &list), -ETIMEDOUT);
	assert_true(says(&list, subject.id, "a handler runs"));
	assert_true(says(&list, subject.id, "the thread 'resolver' runs"));
	finish(&subject);
	join_thread(patient.thread);
	await(&subject.passed);
	await(&subject.passed);
}

static void one_outside_of_its_main_is_named(void **state)
{
	struct subject subject = { .set_up = stay, .held = true };
	struct list list;

	(void)state;
	start(&subject);
	assert_int_equal(end_now(subject.id, &list), -ETIMEDOUT);
	assert_true(says(&list, subject.id, "it has not noticed"));
	finish(&subject);
}

static void one_that_does_not_listen_is_named(void **state)
{
	struct subject subject = { .held = true };
	struct list list;

	(void)state;
	start(&subject);
	assert_int_equal(end_now(subject.id, &list), -ETIMEDOUT);
	assert_true(says(&list, subject.id, "it does not listen"));
	finish(&subject);
}

static void one_that_has_returned_is_named(void **state)
{
	struct subject subject = { .set_up = stay, .lingers = true };
	struct patient patient = { .id = 0 };
	struct list list;

	(void)state;
	start(&subject);
	patient.id = subject.id;
	patient.thread = start_thread(end_in_peace, &patient);
	await(&subject.returned);
	assert_int_equal(end_now(subject.id, &list), -ETIMEDOUT);
	assert_true(says(&list, subject.id, "iv_deinit() is to come"));
	finish(&subject);
	join_thread(patient.thread);
	assert_int_equal(patient.ret, 0);
}

static void a_worker_is_named(void **state)
{
	struct subject subject = { .set_up = create_pool };
	struct list list;

	(void)state;
	start(&subject);
	await(&subject.begun);
	assert_int_equal(end_now(subject.worker, &list), -ETIMEDOUT);
	assert_true(says(&list, subject.worker, "a pool's worker"));
	sem_post(&subject.gate);
	assert_int_equal(
		iv_loop_end(subject.id, IV_LOOP_DRAIN, -1, add_line, &list), 0);
	finish(&subject);
}

static void create_threads(struct subject *subject)
{
	char name[] = "a name that is longer than the system's names, number X";
	int i;

	for (i = 0; i < 20; i++) {
		name[sizeof(name) - 2] = (char)('a' + i);
		if (iv_thread_create(name, wait_at_gate, subject) != 0)
			abort();
	}
}

static void of_very_much_a_part_is_named(void **state)
{
	static struct subject subject = { .set_up = create_threads };
	struct patient patient;
	struct list list;
	int i;

	(void)state;
	start(&subject);
	begin_end(&patient, subject.id);
	assert_int_equal(end_now(subject.id, &list), -ETIMEDOUT);
	assert_true(list.num >= 5 && list.num < 20);
	assert_string_equal(list.line[list.num - 1], "and more");
	join_thread(patient.thread);
	for (i = 0; i < 20; i++)
		sem_post(&subject.gate);
	finish(&subject);
	for (i = 0; i < 20; i++)
		await(&subject.passed);
}

static void what_is_none_is_refused(void **state)
{
	struct list list;

	(void)state;
	assert_int_equal(end_now(0, &list), -ESRCH);
	assert_int_equal(end_now(UINT64_MAX, &list), -ESRCH);
	iv_init();
	assert_int_equal(iv_loop_end(iv_loop_self(), 2, -1, NULL, NULL),
			 -EINVAL);
	assert_int_equal(iv_loop_end_all(-1, -1, NULL, NULL), -EINVAL);
	assert_int_equal(iv_loop_stopped(), 0);
	assert_int_equal(iv_loop_end_all(IV_LOOP_DRAIN, -1, NULL, NULL), 0);
	assert_int_equal(iv_loop_stopped(), 0);
	iv_deinit();
}

/* Several *****************************************************************/

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

static const struct test_case cases[] = {
	TEST(a_thread_that_goes_on_is_named),
	TEST(one_that_ends_is_waited_for),
	TEST(a_work_function_that_runs_is_named),
	TEST(a_handler_that_does_not_return_is_named),
	TEST(one_outside_of_its_main_is_named),
	TEST(one_that_does_not_listen_is_named),
	TEST(one_that_has_returned_is_named),
	TEST(a_worker_is_named),
	TEST(of_very_much_a_part_is_named),
	TEST(what_is_none_is_refused),
	TEST(two_that_end_each_other_do),
	TEST(of_all_those_that_go_on_are_named),
	TEST(all_are_ended_at_once),
	TEST(creators_and_created_end_together),
};

TEST_MAIN(cases)
