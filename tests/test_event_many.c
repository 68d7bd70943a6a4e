/* SPDX-License-Identifier: MIT */
/*
 * test_event_many.c - many events, many posters, and loops that end
 */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <iv_event.h>
#include "harness.h"

/* Unregistered while pending **********************************************/

enum { MANY = 100000 };

static struct iv_event *many;
static int num_many;
static int calls;

static void count(void *cookie)
{
	(void)cookie;
	calls++;
}

static void register_many(void)
{
	int i;

	num_many = scaled(MANY);
	many = calloc((size_t)num_many, sizeof(*many));
	assert_non_null(many);
	for (i = 0; i < num_many; i++) {
		many[i].handler = count;
		assert_int_equal(iv_event_register(&many[i]), 0);
	}
}

static void *post_many(void *arg)
{
	int i;

	for (i = 0; i < num_many; i++)
		iv_event_post(&many[i]);

	return arg;
}

static int forward(int i)
{
	return i;
}

static int backward(int i)
{
	return num_many - 1 - i;
}

/* 7919 is prime and does not divide the number of events. */
static int scattered(int i)
{
	return (int)((int64_t)i * 7919 % num_many);
}

static void unregister_many(int (*order)(int i))
{
	int i;

	for (i = 0; i < num_many; i++)
		iv_event_unregister(&many[order(i)]);
	iv_main();
	assert_int_equal(calls, 0);
	free(many);
}

static int (*const orders[])(int i) = { forward, backward, scattered };

/* Were it not O(1) this would take minutes. */
static void pending_local_ones_unregister_in_every_order(void **state)
{
	size_t i;

	(void)state;
	iv_init();
	for (i = 0; i < 3; i++) {
		register_many();
		post_many(NULL);
		unregister_many(orders[i]);
	}
	iv_deinit();
}

static void pending_remote_ones_unregister_in_every_order(void **state)
{
	size_t i;

	(void)state;
	iv_init();
	for (i = 0; i < 3; i++) {
		register_many();
		in_thread(post_many, NULL);
		unregister_many(orders[i]);
	}
	iv_deinit();
}

static void post_and_unregister_alternately(void **state)
{
	int i;

	(void)state;
	iv_init();
	register_many();
	in_thread(post_many, NULL);
	for (i = 0; i < num_many; i++) {
		iv_event_unregister(&many[i]);
		many[i].handler = count;
		assert_int_equal(iv_event_register(&many[i]), 0);
		iv_event_post(&many[i]);
	}
	unregister_many(backward);
	iv_deinit();
}

static void unregister_the_rest(void *cookie)
{
	int i;

	(void)cookie;
	calls++;
	for (i = 0; i < num_many; i++)
		iv_event_unregister(&many[i]);
}

static void the_first_handler_may_unregister_all_the_others(void **state)
{
	(void)state;
	iv_init();
	register_many();
	many[scattered(num_many / 2)].handler = unregister_the_rest;
	iv_event_post(&many[scattered(num_many / 2)]);
	in_thread(post_many, NULL);
	iv_main();
	assert_int_equal(calls, 1);
	free(many);
	iv_deinit();
}

static void count_and_unregister(void *cookie)
{
	calls++;
	iv_event_unregister(cookie);
}

static void all_pending_ones_are_called(void **state)
{
	int i;

	(void)state;
	iv_init();
	register_many();
	for (i = 0; i < num_many; i++) {
		many[i].cookie = &many[i];
		many[i].handler = count_and_unregister;
	}
	in_thread(post_many, NULL);
	iv_main();
	assert_int_equal(calls, num_many);
	free(many);
	iv_deinit();
}

/* Many posters ************************************************************/

enum { NUM_POSTERS = 4 };

/*
 * Each poster announces before it posts, so that the call which follows sees
 * it: a lost wake-up hangs, a lost post leaves announcements unseen.
 */
struct poster {
	struct iv_event event;
	atomic_int announced;
	int seen;
	int posts;
	struct poster *to_event_of;
};

static struct poster posters[NUM_POSTERS];
static int unfinished;

static void see(void *cookie)
{
	struct poster *poster = cookie;
	int wanted = 0, i;

	for (i = 0; i < NUM_POSTERS; i++) {
		if (posters[i].to_event_of == poster)
			wanted += posters[i].posts;
	}
	poster->seen = atomic_load(&poster->announced);
	if (poster->seen == wanted) {
		iv_event_unregister(&poster->event);
		unfinished--;
	}
}

static void *announce_and_post(void *arg)
{
	struct poster *poster = arg;
	struct poster *target = poster->to_event_of;
	int i;

	for (i = 0; i < poster->posts; i++) {
		atomic_fetch_add(&target->announced, 1);
		iv_event_post(&target->event);
	}

	return NULL;
}

static void run_posters(bool one_event)
{
	pthread_t threads[NUM_POSTERS];
	int i;

	for (i = 0; i < NUM_POSTERS; i++) {
		posters[i].posts = scaled(100000);
		posters[i].to_event_of = &posters[one_event ? 0 : i];
		posters[i].event.cookie = &posters[i];
		posters[i].event.handler = see;
	}
	iv_init();
	unfinished = one_event ? 1 : NUM_POSTERS;
	for (i = 0; i < unfinished; i++)
		assert_int_equal(iv_event_register(&posters[i].event), 0);
	for (i = 0; i < NUM_POSTERS; i++)
		threads[i] = start_thread(announce_and_post, &posters[i]);
	iv_main();
	assert_int_equal(unfinished, 0);
	iv_deinit();
	for (i = 0; i < NUM_POSTERS; i++)
		join_thread(threads[i]);
}

static void posters_of_distinct_events_lose_nothing(void **state)
{
	(void)state;
	run_posters(false);
}

static void posters_of_one_event_lose_nothing(void **state)
{
	(void)state;
	run_posters(true);
}

/* Two loops that wake each other *******************************************/

struct player {
	struct iv_event event;
	struct player *other;
	int left;
};

static struct player players[2];
static pthread_barrier_t both_ready;

static void hit_back(void *cookie)
{
	struct player *player = cookie;

	/* The service was player 0's: after its last call nobody is left. */
	player->left--;
	if (player->left > 0 || player == &players[1])
		iv_event_post(&player->other->event);
	if (player->left == 0)
		iv_event_unregister(&player->event);
}

static int join_in(struct player *player)
{
	player->event.cookie = player;
	player->event.handler = hit_back;

	return iv_event_register(&player->event);
}

static void *play(void *arg)
{
	int ret;

	iv_init();
	ret = join_in(arg);
	pthread_barrier_wait(&both_ready);
	iv_main();
	iv_deinit();

	return (void *)(intptr_t)ret;
}

static void two_loops_wake_each_other(void **state)
{
	int rounds = scaled(20000);
	pthread_t thread;

	(void)state;
	pthread_barrier_init(&both_ready, NULL, 2);
	players[0] = (struct player){ .other = &players[1], .left = rounds };
	players[1] = (struct player){ .other = &players[0], .left = rounds };
	thread = start_thread(play, &players[1]);
	iv_init();
	assert_int_equal(join_in(&players[0]), 0);
	pthread_barrier_wait(&both_ready);
	iv_event_post(&players[1].event);
	iv_main();
	assert_null(join_thread(thread));
	iv_deinit();
	assert_int_equal(players[0].left, 0);
	assert_int_equal(players[1].left, 0);
	pthread_barrier_destroy(&both_ready);
}

/* Loops that end while their poster is still inside the post ***************/

static struct iv_event *current;
static sem_t may_post, has_posted;
static bool done;

static void *post_to_loops_that_end(void *arg)
{
	for (;;) {
		await(&may_post);
		if (done)
			return arg;
		iv_event_post(current);
		sem_post(&has_posted);
	}
}

static pthread_t start_poster(void)
{
	sem_init(&may_post, 0, 0);
	sem_init(&has_posted, 0, 0);

	return start_thread(post_to_loops_that_end, NULL);
}

static void end_poster(pthread_t thread)
{
	done = true;
	sem_post(&may_post);
	join_thread(thread);
	sem_destroy(&may_post);
	sem_destroy(&has_posted);
}

static void free_and_end(void *cookie)
{
	iv_event_unregister(cookie);
	memset(cookie, 0xa5, sizeof(struct iv_event));
	free(cookie);
}

static void open_a_loop_and_await_its_end(void)
{
	iv_init();
	current = calloc(1, sizeof(*current));
	current->cookie = current;
	current->handler = free_and_end;
	assert_int_equal(iv_event_register(current), 0);
	sem_post(&may_post);
	iv_main();
	iv_deinit();
}

static void a_loop_may_be_closed_while_its_poster_is_inside(void **state)
{
	pthread_t poster = start_poster();
	int rounds = scaled(5000);

	(void)state;
	while (rounds-- > 0)
		open_a_loop_and_await_its_end();
	end_poster(poster);
}

static void assert_empty(int pipefd[2])
{
	char c;

	close(pipefd[1]);
	assert_int_equal(read(pipefd[0], &c, 1), 0);
	close(pipefd[0]);
}

/* The numbers of a closed loop are given out again at once. */
static void a_late_wake_does_not_write_to_a_number_used_again(void **state)
{
	int rounds = scaled(2000), canaries[4][2], i;
	pthread_t poster = start_poster();

	(void)state;
	while (rounds-- > 0) {
		open_a_loop_and_await_its_end();
		for (i = 0; i < 4; i++)
			make_pipe(canaries[i]);
		await(&has_posted);
		for (i = 0; i < 4; i++)
			assert_empty(canaries[i]);
	}
	end_poster(poster);
}

static const struct test_case cases[] = {
	TEST(pending_local_ones_unregister_in_every_order),
	TEST(pending_remote_ones_unregister_in_every_order),
	TEST(post_and_unregister_alternately),
	TEST(the_first_handler_may_unregister_all_the_others),
	TEST(all_pending_ones_are_called),
	TEST(posters_of_distinct_events_lose_nothing),
	TEST(posters_of_one_event_lose_nothing),
	TEST(two_loops_wake_each_other),
	TEST(a_loop_may_be_closed_while_its_poster_is_inside),
	TEST(a_late_wake_does_not_write_to_a_number_used_again),
};

TEST_MAIN(cases)
