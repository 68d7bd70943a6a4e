/* SPDX-License-Identifier: MIT */
/*
 * test_event_order.c - order of posting, whatever is unregistered between
 *
 * A few thousand random steps, taken inside handlers, beside a plain list that
 * says what must be called next: posts from here and from another thread,
 * events unregistered and registered again at any place of the queue, loops
 * nested in handlers.
 */
#include <stdlib.h>
#include <iv_event.h>
#include "harness.h"

enum { NUM = 40, STEPS_A_CALL = 3, MAX_DEPTH = 4 };

static struct iv_event events[NUM];
static int expected[NUM]; /* numbers of pending events, in order */
static int num_expected;
static int steps_left;
static int depth;
static int mistakes;
static unsigned int seed;

static int random_below(int limit)
{
	seed = seed * 1103515245 + 12345;

	return (int)(seed >> 16 & 0x7fff) % limit;
}

static int place_of(int number)
{
	int place;

	for (place = 0; place < num_expected; place++) {
		if (expected[place] == number)
			break;
	}

	return place;
}

static void forget(int place)
{
	num_expected--;
	for (; place < num_expected; place++)
		expected[place] = expected[place + 1];
}

static void expect(int number)
{
	if (place_of(number) == num_expected)
		expected[num_expected++] = number;
}

static void post_here(int number)
{
	expect(number);
	iv_event_post(&events[number]);
}

static void *post_there(void *event)
{
	iv_event_post(event);

	return event;
}

static void post_from_a_thread(int number)
{
	pthread_t thread;

	expect(number);
	if (pthread_create(&thread, NULL, post_there, &events[number]) != 0 ||
	    pthread_join(thread, NULL) != 0)
		mistakes++;
}

static void register_again(int number)
{
	if (place_of(number) < num_expected)
		forget(place_of(number));
	iv_event_unregister(&events[number]);
	if (iv_event_register(&events[number]) != 0)
		mistakes++;
}

/* It ends when its first handler is called, and that one's outer ones go on. */
static void run_nested(void)
{
	if (num_expected == 0 || depth == MAX_DEPTH)
		return;

	depth++;
	iv_main();
	depth--;
}

static void take_a_step(void)
{
	int number = random_below(NUM);

	switch (random_below(20)) {
	case 0:
		post_from_a_thread(number);
		break;
	case 1:
		run_nested();
		break;
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
		register_again(number);
		break;
	default:
		post_here(number);
	}
}

static void called(void *cookie)
{
	struct iv_event *event = cookie;
	int number = (int)(event - events);
	int i;

	if (num_expected == 0 || expected[0] != number)
		mistakes++;
	if (num_expected > 0)
		forget(place_of(number));

	for (i = 0; i < STEPS_A_CALL && steps_left > 0; i++, steps_left--)
		take_a_step();
	if (depth > 0 || (steps_left <= 0 && num_expected == 0))
		iv_quit();
	else if (num_expected == 0)
		post_here(random_below(NUM));
}

static void random_steps_keep_the_order(void **state)
{
	int i;

	(void)state;
	seed = 20261123;
	steps_left = scaled(20000);

	iv_init();
	for (i = 0; i < NUM; i++) {
		events[i].cookie = &events[i];
		events[i].handler = called;
		assert_int_equal(iv_event_register(&events[i]), 0);
	}
	post_here(0);
	while (steps_left > 0 || num_expected > 0)
		iv_main();

	assert_int_equal(mistakes, 0);
	for (i = 0; i < NUM; i++)
		iv_event_unregister(&events[i]);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(random_steps_keep_the_order),
};

TEST_MAIN(cases)
