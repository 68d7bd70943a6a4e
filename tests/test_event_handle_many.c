/* SPDX-License-Identifier: MIT */
/*
 * test_event_handle_many.c - many handles, old ones, forged ones, no memory
 */
#include "handle_bed.h"

static bool out_of_memory;

/* The library keeps what handles name in memory of this kind. */
void *aligned_alloc(size_t alignment, size_t size)
{
	void *memory = NULL;
	int ret = ENOMEM;

	if (!out_of_memory)
		ret = posix_memalign(&memory, alignment, size);
	if (ret != 0)
		errno = ret;

	return ret == 0 ? memory : NULL;
}

/* Many at a time **********************************************************/

enum { MANY = 100000 };

struct one {
	struct iv_event event;
	iv_event_handle handle;
	int calls;
};

static struct one *many;
static int num_many;

static void count(void *cookie)
{
	struct one *one = cookie;

	one->calls++;
}

static void open_many(int num)
{
	int i;

	num_many = num;
	many = calloc((size_t)num_many, sizeof(*many));
	assert_non_null(many);
	for (i = 0; i < num_many; i++) {
		many[i].handle = open_handle(&many[i].event, NULL, count);
		many[i].event.cookie = &many[i];
	}
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

/* Every second one goes while it is pending, the others when called. */
static void close_many(int (*order)(int i))
{
	int i;

	for (i = 0; i < num_many; i++)
		assert_int_equal(iv_event_handle_post(many[i].handle), 0);
	for (i = 0; i < num_many; i++)
		if (order(i) % 2 == 0)
			iv_event_unregister(&many[order(i)].event);
	run_to_the_end();
	assert_noted("end");
	for (i = 0; i < num_many; i++)
		if (order(i) % 2 != 0)
			iv_event_unregister(&many[order(i)].event);

	for (i = 0; i < num_many; i++) {
		assert_int_equal(many[i].calls, i % 2);
		assert_int_equal(iv_event_handle_post(many[i].handle), -ENOENT);
	}
	free(many);
}

static void a_hundred_thousand_go_in_every_order(void **state)
{
	static int (*const orders[])(int i) = { forward, backward, scattered };
	size_t i;

	(void)state;
	iv_init();
	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		open_many(scaled(MANY));
		close_many(orders[i]);
	}
	iv_deinit();
}

static int compare(const void *a, const void *b)
{
	iv_event_handle x = *(const iv_event_handle *)a;
	iv_event_handle y = *(const iv_event_handle *)b;

	return (x > y) - (x < y);
}

static void assert_all_different(iv_event_handle *handles, int num)
{
	int i;

	qsort(handles, (size_t)num, sizeof(*handles), compare);
	assert_int_not_equal(handles[0], 0);
	for (i = 1; i < num; i++)
		assert_true(handles[i - 1] != handles[i]);
}

static void a_million_registrations_of_one_event_all_differ(void **state)
{
	int i, num = scaled(1000000);
	iv_event_handle *handles = calloc((size_t)num, sizeof(*handles));
	struct iv_event event;

	(void)state;
	assert_non_null(handles);
	iv_init();
	for (i = 0; i < num; i++) {
		handles[i] = open_handle(&event, "event", note);
		if (i > 0)
			assert_int_equal(iv_event_handle_post(handles[i - 1]),
					 -ENOENT);
		iv_event_unregister(&event);
	}
	for (i = 0; i < num; i++)
		assert_int_equal(iv_event_handle_post(handles[i]), -ENOENT);
	assert_all_different(handles, num);
	run_to_the_end();
	assert_noted("end");
	iv_deinit();
	free(handles);
}

/* Numbers that somebody made up *******************************************/

/* splitmix64: the same numbers in each run. */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;

	return z ^ (z >> 31);
}

static bool is_ours(iv_event_handle handle)
{
	int i;

	for (i = 0; i < num_many; i++)
		if (many[i].handle == handle)
			return true;

	return false;
}

static void refuse(iv_event_handle handle)
{
	assert_int_equal(iv_event_handle_post(handle), -ENOENT);
}

/* One close to ours may name another live one, which may be the library's. */
static void try(iv_event_handle handle)
{
	int ret;

	if (is_ours(handle))
		return;
	ret = iv_event_handle_post(handle);
	assert_true(ret == 0 || ret == -ENOENT);
}

static void before_there_is_any_all_numbers_are_refused(void **state)
{
	uint64_t seed = 1;
	int bit, num = scaled(100000);

	(void)state;
	for (bit = 0; bit < 64; bit++)
		refuse((iv_event_handle)1 << bit);
	while (num-- > 0)
		refuse(next_random(&seed));
}

static void close_uncalled(void)
{
	int i;

	run_to_the_end();
	assert_noted("end");
	for (i = 0; i < num_many; i++) {
		assert_int_equal(many[i].calls, 0);
		iv_event_unregister(&many[i].event);
	}
	free(many);
	num_many = 0;
}

/* Some bits of a live one are changed: none of ours is called then. */
static void forged_ones_are_refused(void **state)
{
	uint64_t seed = 2;
	int bit, i, num = scaled(1000000);

	(void)state;
	iv_init();
	open_many(100);
	refuse(0);
	refuse(UINT64_MAX);
	for (i = 0; i < num_many; i++) {
		refuse(many[i].handle & UINT32_MAX);
		refuse(many[i].handle >> 32 << 32);
		refuse(many[i].handle | UINT32_MAX);
		refuse(many[i].handle + ((uint64_t)UINT32_MAX << 32));
		for (bit = 0; bit < 64; bit++)
			try(many[i].handle ^ (uint64_t)1 << bit);
	}
	while (num-- > 0)
		refuse(next_random(&seed));
	close_uncalled();
	iv_deinit();
}

/* What the next registration will get is nobody's yet. */
static void one_guessed_too_early_is_refused(void **state)
{
	iv_event_handle first, next;
	struct iv_event event;

	(void)state;
	iv_init();
	first = open_handle(&event, "event", note);
	iv_event_unregister(&event);
	next = open_handle(&event, "event", note);
	iv_event_unregister(&event);
	assert_int_equal(iv_event_handle_post(next + (next - first)), -ENOENT);
	run_to_the_end();
	assert_noted("end");
	iv_deinit();
}

/* No memory ***************************************************************/

/* Registers until one gets no handle; that one. What they have is enough. */
static struct one *open_until_refused(void)
{
	iv_event_handle handle = 1;
	int i;

	many = calloc(MANY, sizeof(*many));
	assert_non_null(many);
	out_of_memory = true;
	for (i = 0; handle != 0 && i < MANY; i++) {
		many[i].event.cookie = &many[i];
		many[i].event.handler = count;
		assert_int_equal(iv_event_register(&many[i].event), 0);
		errno = 0;
		handle = iv_event_handle_of(&many[i].event);
		many[i].handle = handle;
	}
	assert_int_equal(handle, 0);
	assert_int_equal(errno, ENOMEM);
	out_of_memory = false;
	num_many = i;

	return &many[i - 1];
}

/* valgrind puts its own in the place of everybody's. */
static bool can_refuse_memory(void)
{
	/* The compiler must not know what it does. */
	void *(*volatile allocate)(size_t, size_t) = aligned_alloc;
	void *memory;

	out_of_memory = true;
	memory = allocate(64, 64);
	out_of_memory = false;
	free(memory);

	return memory == NULL;
}

static void without_memory_an_event_has_no_handle(void **state)
{
	struct iv_event first;
	struct one *last;
	int i;

	(void)state;
	if (!can_refuse_memory())
		cannot_try("a tool provides the memory");
	iv_init();
	open_handle(&first, "first", note);
	last = open_until_refused();
	for (i = 0; i < num_many; i++)
		if (&many[i] != last)
			assert_int_equal(iv_event_handle_post(many[i].handle),
					 0);
	iv_event_post(&last->event);
	run_to_the_end();
	for (i = 0; i < num_many; i++)
		assert_int_equal(many[i].calls, 1);

	/* It has none yet, so it may still get one. */
	last->handle = iv_event_handle_of(&last->event);
	assert_int_equal(iv_event_handle_post(last->handle), 0);
	run_to_the_end();
	assert_noted("end end");
	assert_int_equal(last->calls, 2);
	for (i = 0; i < num_many; i++)
		iv_event_unregister(&many[i].event);
	iv_event_unregister(&first);
	free(many);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_hundred_thousand_go_in_every_order),
	TEST(a_million_registrations_of_one_event_all_differ),
	TEST(before_there_is_any_all_numbers_are_refused),
	TEST(forged_ones_are_refused),
	TEST(one_guessed_too_early_is_refused),
	TEST(without_memory_an_event_has_no_handle),
};

TEST_MAIN(cases)
