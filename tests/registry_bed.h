/* SPDX-License-Identifier: MIT */
/*
 * registry_bed.h - loops of other threads, and what is asserted of loops
 */
#ifndef REGISTRY_BED_H
#define REGISTRY_BED_H

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <iv_loop.h>
#include "harness.h"

enum { NO_SUCH_LOOP = 77 };

/* Loops of other threads that stay open until they are told to end. */
struct other {
	pthread_t thread;
	const char *name; /* NULL: none */
	bool just_ends;	  /* without iv_deinit() */
	sem_t open;
	sem_t may_end;
	iv_loop_id id;
};

static inline void *live(void *arg)
{
	struct other *other = arg;

	iv_init();
	if (other->name != NULL && iv_loop_set_name(other->name) != 0)
		abort();
	other->id = iv_loop_self();
	sem_post(&other->open);
	await(&other->may_end);
	if (!other->just_ends)
		iv_deinit();

	return NULL;
}

static inline void start(struct other *other, const char *name)
{
	other->name = name;
	other->just_ends = false;
	sem_init(&other->open, 0, 0);
	sem_init(&other->may_end, 0, 0);
	other->thread = start_thread(live, other);
	await(&other->open);
}

static inline void end(struct other *other)
{
	sem_post(&other->may_end);
	join_thread(other->thread);
}

static inline int times_listed(iv_loop_id wanted)
{
	iv_loop_id id;
	int num = 0;

	for (id = iv_loop_next(0); id != 0; id = iv_loop_next(id))
		num += id == wanted;

	return num;
}

static inline void assert_name(iv_loop_id id, const char *expected)
{
	char name[IV_LOOP_NAME_SIZE];

	assert_int_equal(iv_loop_get_name(id, name, sizeof(name)), 0);
	assert_string_equal(name, expected);
}

static inline void assert_ended(iv_loop_id id)
{
	char name[IV_LOOP_NAME_SIZE] = "untouched";

	assert_int_equal(iv_loop_get_name(id, name, sizeof(name)), -ESRCH);
	assert_string_equal(name, "untouched");
	assert_int_equal(times_listed(id), 0);
}

static inline void assert_found(const char *name, iv_loop_id expected)
{
	iv_loop_id id = NO_SUCH_LOOP;

	assert_int_equal(iv_loop_find(name, &id), 0);
	assert_true(id == expected);
}

static inline void assert_not_found(const char *name)
{
	iv_loop_id id = NO_SUCH_LOOP;

	assert_int_equal(iv_loop_find(name, &id), -ESRCH);
	assert_true(id == NO_SUCH_LOOP);
}

#endif
