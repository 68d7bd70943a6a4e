/* SPDX-License-Identifier: MIT */
/*
 * test_event_merge.c - an event that several threads post at once
 *
 * What they write before is plain memory, and only the posts order it with what
 * the owner does then: that they are done is told by a relaxed counter. So
 * ThreadSanitizer sees a post that does not hand its payload over.
 */
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <iv_event.h>
#include <iv_loop.h>
#include "harness.h"

enum { NUM_POSTERS = 3, NUM_POSTS = 100, NUM_TURNS = 4 };

struct poster {
	pthread_t thread;
	sem_t turn, turn_over;
	int num_posts;
	unsigned int payload[NUM_POSTS];
	atomic_int posted; /* rounds, told ahead of a round's last post */
	int seen;	   /* of that, by the owner's handler */
};

static struct poster posters[NUM_POSTERS];
static struct iv_event event, other;
static int num_rounds, num_called;
static atomic_int num_done;

static void get_event(void *cookie)
{
	int i;

	(void)cookie;
	num_called++;
	for (i = 0; i < NUM_POSTERS; i++)
		posters[i].seen = atomic_load_explicit(&posters[i].posted,
						       memory_order_relaxed);
}

static void get_other(void *cookie)
{
	(void)cookie;
	num_called++;
}

/* One after the other, so that each finds that others post here too. */
static void post_in_turn(struct poster *poster)
{
	int i;

	for (i = 0; i < NUM_TURNS; i++) {
		await(&poster->turn);
		iv_event_post(&event);
		sem_post(&poster->turn_over);
	}
}

static void *post_many(void *arg)
{
	struct poster *poster = arg;
	int round;
	int i;

	post_in_turn(poster);
	for (round = 1; round <= num_rounds; round++) {
		await(&poster->turn);
		for (i = 0; i < poster->num_posts; i++) {
			poster->payload[i] = round * NUM_POSTS + i;
			iv_event_post(i % 8 == 7 ? &other : &event);
		}
		atomic_fetch_add_explicit(&poster->posted, 1,
					  memory_order_relaxed);
		iv_event_post(&event);
		atomic_fetch_add_explicit(&num_done, 1, memory_order_relaxed);
	}

	return arg;
}

static void give_turns(void)
{
	int turn;
	int i;

	for (turn = 0; turn < NUM_TURNS; turn++) {
		for (i = 0; i < NUM_POSTERS; i++) {
			sem_post(&posters[i].turn);
			await(&posters[i].turn_over);
			num_called = 0;
			iv_loop_run_once(0);
			assert_int_equal(num_called, 1);
		}
	}
}

static void open_posters(int plain, int under_tools, int num_posts)
{
	int i;

	num_rounds = under_a_tool() ? under_tools : plain;
	atomic_store(&num_done, 0);
	iv_init();
	event.handler = get_event;
	other.handler = get_other;
	assert_int_equal(iv_event_register(&event), 0);
	assert_int_equal(iv_event_register(&other), 0);
	for (i = 0; i < NUM_POSTERS; i++) {
		sem_init(&posters[i].turn, 0, 0);
		sem_init(&posters[i].turn_over, 0, 0);
		atomic_store(&posters[i].posted, 0);
		posters[i].num_posts = num_posts;
		posters[i].thread = start_thread(post_many, &posters[i]);
	}
	give_turns();
}

static void close_posters(void)
{
	int i;

	for (i = 0; i < NUM_POSTERS; i++) {
		join_thread(posters[i].thread);
		sem_destroy(&posters[i].turn);
		sem_destroy(&posters[i].turn_over);
	}
	iv_event_unregister(&event);
	iv_event_unregister(&other);
	iv_deinit();
}

static void begin(void)
{
	int i;

	num_called = 0;
	for (i = 0; i < NUM_POSTERS; i++)
		sem_post(&posters[i].turn);
}

static bool all_done(int round)
{
	return atomic_load_explicit(&num_done, memory_order_relaxed) ==
	       round * NUM_POSTERS;
}

static void expect_payloads(int round)
{
	int i;
	int j;

	for (i = 0; i < NUM_POSTERS; i++) {
		assert_int_equal(posters[i].seen, round);
		for (j = 0; j < posters[i].num_posts; j++)
			assert_int_equal(posters[i].payload[j],
					 round * NUM_POSTS + j);
	}
}

static void what_they_wrote_is_seen_by_the_one_call(void **state)
{
	int round;

	(void)state;
	open_posters(60, 5, NUM_POSTS);
	for (round = 1; round <= num_rounds; round++) {
		begin();
		while (!all_done(round))
			sched_yield();
		iv_loop_run_once(0);
		assert_int_equal(num_called, 2);
		expect_payloads(round);
	}
	close_posters();
}

static void none_is_lost_while_the_handler_is_called(void **state)
{
	int round;

	(void)state;
	open_posters(1000, 20, 4);
	for (round = 1; round <= num_rounds; round++) {
		begin();
		while (!all_done(round))
			iv_loop_run_once(0);
		iv_loop_run_once(0);
		assert_in_range(num_called, 1, NUM_POSTERS * 5);
		expect_payloads(round);
	}
	close_posters();
}

static const struct test_case cases[] = {
	TEST(what_they_wrote_is_seen_by_the_one_call),
	TEST(none_is_lost_while_the_handler_is_called),
};

TEST_MAIN(cases)
