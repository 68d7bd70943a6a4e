/* SPDX-License-Identifier: MIT */
/*
 * test_registry_end.c - loops whose threads end, and those left by a fork
 */
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include "registry_bed.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define UNDER_SANITIZER
#endif
#endif

/* The end of a thread *****************************************************/

static void a_thread_that_just_ends_has_its_loop_unlisted(void **state)
{
	struct other other;

	(void)state;
	start(&other, "short-lived");
	other.just_ends = true;
	end(&other);
	assert_ended(other.id);
	assert_not_found("short-lived");
	assert_int_equal(iv_loop_count(), 0);
}

/*
 * Key destructors run in the order in which the keys were made, round after
 * round while there are values: the library's, liburcu's, and this one, which
 * reads in each round, also in the last, behind which liburcu gets no turn.
 */
static pthread_key_t last_words;
static atomic_int num_read;
static atomic_int num_wrong;
static atomic_int opens_again;
static _Thread_local int rounds_left;

static void read_late(void *other)
{
	char name[IV_LOOP_NAME_SIZE];
	iv_loop_id id;

	if (iv_loop_find("main", &id) != 0 ||
	    iv_loop_get_name(id, name, sizeof(name)) != 0 ||
	    strcmp(name, "main") != 0)
		atomic_fetch_add(&num_wrong, 1);
	atomic_fetch_add(&num_read, 1);
	if (!iv_inited() && atomic_exchange(&opens_again, 0) != 0) {
		iv_init();
		if (iv_loop_set_name("again") != 0 ||
		    iv_loop_find("again", &id) != 0)
			atomic_fetch_add(&num_wrong, 1);
	}
	if (rounds_left-- > 0)
		pthread_setspecific(last_words, other);
}

static void *live_and_read_late(void *arg)
{
	pthread_setspecific(last_words, arg);
	/*
	 * In the last round sanitizers have put away what they know of the
	 * thread, and what we read in the last but one, liburcu ends there.
	 */
	rounds_left = PTHREAD_DESTRUCTOR_ITERATIONS - 1;
	if (under_a_tool())
		rounds_left -= 2;

	return live(arg);
}

static void end_while_reading_late(struct other *other)
{
	other->name = "late";
	other->just_ends = true;
	sem_init(&other->open, 0, 0);
	sem_init(&other->may_end, 0, 0);
	other->thread = start_thread(live_and_read_late, other);
	await(&other->open);
	assert_found("late", other->id);
	end(other);
	assert_ended(other->id);
	assert_not_found("late");
}

static void the_order_of_key_destructors_does_not_matter(void **state)
{
	struct other others[4];
	int i;

	(void)state;
	assert_int_equal(pthread_key_create(&last_words, read_late), 0);
	iv_init();
	assert_int_equal(iv_loop_set_name("main"), 0);
	for (i = 0; i < 4; i++)
		end_while_reading_late(&others[i]);
	assert_true(atomic_load(&num_read) > 4);
	assert_int_equal(atomic_load(&num_wrong), 0);
	assert_int_equal(iv_loop_count(), 1);
	/* A grace period does not wait for the dead. */
	assert_int_equal(iv_loop_set_name("still main"), 0);
	iv_deinit();
}

static void a_loop_opened_by_a_key_destructor_is_closed_too(void **state)
{
	struct other other;

	(void)state;
	assert_int_equal(pthread_key_create(&last_words, read_late), 0);
	atomic_exchange(&opens_again, 1);
	iv_init();
	assert_int_equal(iv_loop_set_name("main"), 0);
	end_while_reading_late(&other);
	assert_int_equal(atomic_load(&opens_again), 0);
	assert_int_equal(atomic_load(&num_wrong), 0);
	assert_int_equal(iv_loop_count(), 1);
	assert_not_found("again");
	iv_deinit();
}

/* Liburcu's destructor runs ahead of ours in a thread that began so. */
static void *read_first(void *arg)
{
	assert_not_found("nobody");

	return live(arg);
}

static void a_reader_that_opens_a_loop_later_ends_cleanly(void **state)
{
	struct other other = { .name = "reader", .just_ends = true };

	(void)state;
	sem_init(&other.open, 0, 0);
	sem_init(&other.may_end, 0, 0);
	other.thread = start_thread(read_first, &other);
	await(&other.open);
	assert_found("reader", other.id);
	end(&other);
	assert_ended(other.id);
}

/* Forks *******************************************************************/

static struct other left_behind;
static iv_loop_id parent_id;

static int only_the_own_is_left(void *arg)
{
	iv_loop_id id;

	(void)arg;
	assert_int_equal(iv_loop_count(), 1);
	assert_true(iv_loop_self() == parent_id);
	assert_true(iv_loop_next(0) == parent_id);
	assert_true(iv_loop_next(parent_id) == 0);
	assert_found("parent", parent_id);
	assert_ended(left_behind.id);
	assert_not_found("left behind");
	assert_int_equal(iv_loop_set_name("child"), 0);
	assert_found("child", parent_id);
	iv_deinit();

	iv_init();
	id = iv_loop_self();
	assert_true(id != parent_id);
	assert_true(id != left_behind.id);
	assert_ended(left_behind.id);
	iv_deinit();
	assert_int_equal(iv_loop_count(), 0);
	leave_child(0);
}

static void in_a_forked_child_one_loop_is_left(void **state)
{
	(void)state;
	start(&left_behind, "left behind");
	iv_init();
	parent_id = iv_loop_self();
	assert_int_equal(iv_loop_set_name("parent"), 0);
	in_child(only_the_own_is_left, NULL);
	assert_int_equal(iv_loop_count(), 2);
	assert_found("parent", parent_id);
	assert_found("left behind", left_behind.id);
	iv_deinit();
	end(&left_behind);
}

static int none_is_left(void *arg)
{
	(void)arg;
	assert_int_equal(iv_loop_count(), 0);
	assert_true(iv_loop_next(0) == 0);
	assert_ended(left_behind.id);
	leave_child(0);
}

static void in_the_child_of_a_thread_without_one_there_is_none(void **state)
{
	(void)state;
	start(&left_behind, "left behind");
	in_child(none_is_left, NULL);
	assert_found("left behind", left_behind.id);
	end(&left_behind);
}

static atomic_bool stop;

static void *open_name_find_close(void *arg)
{
	iv_loop_id id;

	while (!atomic_load(&stop)) {
		iv_init();
		if (iv_loop_set_name(arg) != 0 ||
		    iv_loop_set_name("renamed") != 0 ||
		    iv_loop_find("renamed", &id) != 0)
			abort();
		iv_deinit();
	}

	return NULL;
}

static int use_the_registry(void *arg)
{
	(void)arg;
	assert_int_equal(iv_loop_count(), 0);
	assert_not_found("renamed");
	iv_init();
	assert_int_equal(iv_loop_set_name("child"), 0);
	assert_found("child", iv_loop_self());
	assert_int_equal(iv_loop_set_name("grown"), 0);
	iv_deinit();
	assert_true(iv_loop_next(0) == 0);
	leave_child(0);
}

/* Locks and read sections of threads that the child does not have. */
static void a_fork_amid_all_this_leaves_the_child_usable(void **state)
{
	int i, num = under_a_tool() ? 3 : 100;
	pthread_t threads[2];

	(void)state;
#ifdef UNDER_SANITIZER
	cannot_try("a sanitizer's allocator may stay locked in the child");
#endif
	threads[0] = start_thread(open_name_find_close, "one");
	threads[1] = start_thread(open_name_find_close, "two");
	for (i = 0; i < num; i++)
		in_child(use_the_registry, NULL);
	atomic_store(&stop, true);
	join_thread(threads[0]);
	join_thread(threads[1]);
	assert_int_equal(iv_loop_count(), 0);
}

static const struct test_case cases[] = {
	TEST(a_thread_that_just_ends_has_its_loop_unlisted),
	TEST(the_order_of_key_destructors_does_not_matter),
	TEST(a_loop_opened_by_a_key_destructor_is_closed_too),
	TEST(a_reader_that_opens_a_loop_later_ends_cleanly),
	TEST(in_a_forked_child_one_loop_is_left),
	TEST(in_the_child_of_a_thread_without_one_there_is_none),
	TEST(a_fork_amid_all_this_leaves_the_child_usable),
};

TEST_MAIN(cases)
