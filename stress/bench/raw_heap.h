/* SPDX-License-Identifier: MIT */
/*
 * The reference for the timer cases: a 4-ary heap in an array that keeps
 * the key beside the pointer, so that sifting does not touch the timers.
 */
#ifndef BENCH_RAW_HEAP_H
#define BENCH_RAW_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct raw_timer {
	uint64_t expires_ns;
	void *cookie;
	void (*handler)(void *cookie);
	size_t index;
};

struct raw_heap {
	struct raw_slot {
		uint64_t key;
		struct raw_timer *timer;
	} * slot;
	size_t count, capacity;
};

void raw_heap_insert(struct raw_heap *heap, struct raw_timer *timer);
void raw_heap_remove(struct raw_heap *heap, struct raw_timer *timer);

/* Remove each timer that is due and call its handler. */
void raw_heap_expire(struct raw_heap *heap, uint64_t now_ns);

#endif
