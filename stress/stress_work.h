/* SPDX-License-Identifier: MIT */
/*
 * stress_work.h - owners, their pools and the items
 *
 * A pool with what is known of it is a ground; its temper says what its items
 * do.
 */
#ifndef STRESS_WORK_H
#define STRESS_WORK_H

#include <iv_work.h>
#include "stress.h"

enum { MAX_POOLS = 3 };

enum temper { CALM, BLOCKS, CONTINUES, EXITS, LEAVES_OBJECTS, NUM_TEMPERS };

struct ground {
	struct iv_work_pool pool;
	struct owner *owner;
	enum temper temper;
	bool patient; /* put when all is done, not before */
	bool is_put;
	unsigned int submitted;
	unsigned int completed;
	unsigned int to_complete;

	/* Changed by workers; read when the pool has ended. */
	atomic_uint continued;
	atomic_uint continued_to_complete;
	atomic_uint worked;
	atomic_uint started;
	atomic_uint stopped;
	atomic_uint objects;
	atomic_uint objects_served;
	atomic_uint released; /* the item that blocks may go on */

	pthread_mutex_t lock;
	struct item *silent; /* m: those without a completion */
};

struct item {
	struct iv_work_item work;
	struct ground *ground;
	struct item *next;
	struct left_event *left;
	struct stress_rng rng;
	unsigned int runs; /* worker's, then the owner's */
	unsigned int depth;
	bool blocks;
};

struct owner {
	pthread_t thread; /* main's */
	pthread_t self;
	struct stress_rng rng;
	unsigned int index;
	struct iv_task feeder;
	struct ground ground[MAX_POOLS];
	unsigned int num_pools;
	unsigned int items_left;
	uint64_t total;
	uint64_t total_silent;
	uint64_t total_objects;
	uint64_t total_pools;
};

/* @may_block: without threads a pool cannot stand an item that blocks. */
void work_ground_open(struct ground *ground, struct owner *owner,
		      bool may_block);

/* Its pool has ended: check the books, and add them to the owner's. */
void work_ground_close(struct ground *ground);

void work_ground_put(struct ground *ground);

/* Once all is submitted: put it if all is done, or by chance. */
void work_ground_consider_putting(struct ground *ground, unsigned int percent);

/* The owner helps when no thread can be started. */
bool work_is_owner(const struct ground *ground);

struct item *work_item_make(struct ground *ground, struct stress_rng *rng);

/* An item without a pool, which runs in the owner's loop. */
void work_item_submit_here(struct owner *owner);

/* Leave something in this worker's loop, or nothing. */
void work_leave_object(struct item *item);

/* What was left may be an event that waits for this. */
void work_post_left_event(struct item *item);

#endif
