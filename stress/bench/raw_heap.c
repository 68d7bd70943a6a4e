/* SPDX-License-Identifier: MIT */
/* The hand-written timer queue; see raw_heap.h. */
#include <stdlib.h>

#include "peer.h"
#include "raw_heap.h"

static void put(struct raw_heap *heap, size_t i, struct raw_slot slot)
{
	heap->slot[i] = slot;
	slot.timer->index = i;
}

static void sift_up(struct raw_heap *heap, size_t i, struct raw_slot slot)
{
	size_t parent;

	for (; i; i = parent) {
		parent = (i - 1) / 4;
		if (heap->slot[parent].key <= slot.key)
			break;
		put(heap, i, heap->slot[parent]);
	}
	put(heap, i, slot);
}

static size_t least_child(const struct raw_heap *heap, size_t i)
{
	size_t child = 4 * i + 1, end = child + 4, least = child;

	if (end > heap->count)
		end = heap->count;
	for (; child < end; child++)
		if (heap->slot[child].key < heap->slot[least].key)
			least = child;
	return least;
}

static void sift_down(struct raw_heap *heap, size_t i, struct raw_slot slot)
{
	size_t child;

	for (; 4 * i + 1 < heap->count; i = child) {
		child = least_child(heap, i);
		if (heap->slot[child].key >= slot.key)
			break;
		put(heap, i, heap->slot[child]);
	}
	put(heap, i, slot);
}

static void grow(struct raw_heap *heap)
{
	heap->capacity = heap->capacity ? 2 * heap->capacity : 64;
	heap->slot = realloc(heap->slot, heap->capacity * sizeof(*heap->slot));
	if (!heap->slot)
		peer_die("out of memory");
}

void raw_heap_insert(struct raw_heap *heap, struct raw_timer *timer)
{
	struct raw_slot slot = { timer->expires_ns, timer };

	if (heap->count == heap->capacity)
		grow(heap);
	sift_up(heap, heap->count++, slot);
}

void raw_heap_remove(struct raw_heap *heap, struct raw_timer *timer)
{
	struct raw_slot last = heap->slot[--heap->count];
	size_t i = timer->index;

	if (i == heap->count)
		return;
	if (i && heap->slot[(i - 1) / 4].key > last.key)
		sift_up(heap, i, last);
	else
		sift_down(heap, i, last);
}

void raw_heap_expire(struct raw_heap *heap, uint64_t now_ns)
{
	struct raw_timer *timer;

	while (heap->count && heap->slot[0].key <= now_ns) {
		timer = heap->slot[0].timer;
		raw_heap_remove(heap, timer);
		timer->handler(timer->cookie);
	}
}
