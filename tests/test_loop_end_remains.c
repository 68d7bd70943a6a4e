/* SPDX-License-Identifier: MIT */
/*
 * test_loop_end_remains.c - loops that are ended by other threads, and do not
 */
#include <errno.h>
#include <sched.h>
#include "loop_subject_bed.h"

/* Who ends it *************************************************************/

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

static void stay_by_name(struct subject *subject)
{
	if (iv_loop_set_name("storage") != 0)
		abort();
	stay(subject);
}

static void the_text_begins_with_the_name(void **state)
{
	struct subject subject = { .set_up = stay_by_name, .held = true };
	struct list list;

	(void)state;
	start(&subject);
	assert_int_equal(end_now(subject.id, &list), -ETIMEDOUT);
	assert_true(says(&list, subject.id, "'storage': it has not noticed"));
	finish(&subject);
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
	TEST(the_text_begins_with_the_name),
	TEST(what_is_none_is_refused),
};

TEST_MAIN(cases)
