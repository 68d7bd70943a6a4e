/* SPDX-License-Identifier: MIT */
/*
 * slot_table.c - memory that is reused but never given back
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "slot_table.h"

/* What slots may want to be aligned to; a chunk's size is a multiple of it. */
enum { CACHE_LINE = 64 };

static unsigned int chunk_of(uint32_t place)
{
	return 31 -
	       (unsigned int)__builtin_clz((place - 1) / IV__FIRST_CHUNK + 1);
}

/* 0 or -ENOMEM. */
static int make_chunk_locked(struct iv__slot_table *table, unsigned int chunk)
{
	size_t num = (size_t)IV__FIRST_CHUNK << chunk;
	void *slots;

	if (chunk == IV__NUM_CHUNKS)
		return -ENOMEM;
	if (iv__rcu_read(&table->chunks[chunk]) != NULL)
		return 0;

	slots = aligned_alloc(CACHE_LINE, num * table->slot_size);
	if (slots == NULL)
		return -ENOMEM;
	memset(slots, 0, num * table->slot_size);
	iv__rcu_swap(&table->chunks[chunk], slots);

	return 0;
}

static uint32_t take_new_locked(struct iv__slot_table *table)
{
	uint32_t place = iv__slot_table_num(table) + 1;

	if (make_chunk_locked(table, chunk_of(place)) < 0)
		return 0;
	/* Release: with iv__slot_table_num(). */
	atomic_fetch_add_explicit(&table->num, 1, memory_order_release);

	return place;
}

uint32_t iv__slot_take_locked(struct iv__slot_table *table)
{
	struct iv__slot *slot;
	uint32_t place;

	/*
	 * Taken whole, so no slot can come back unnoticed. Acquire: with the
	 * release of iv__slot_give_back().
	 */
	if (table->free == 0) {
		table->free = atomic_exchange_explicit(&table->returned, 0,
						       memory_order_acq_rel);
		iv__hb_after(&table->returned);
	}

	place = table->free;
	if (place == 0)
		place = take_new_locked(table);
	if (place == 0)
		return 0;

	slot = iv__slot_at(table, table->slot_size, place, true);
	if (table->free != 0)
		table->free = slot->next_free;
	slot->generation++;

	return place;
}

void iv__slot_give_back(struct iv__slot_table *table, uint32_t place)
{
	struct iv__slot *slot =
		iv__slot_at(table, table->slot_size, place, true);
	uint32_t first;

	if (slot->generation == UINT32_MAX)
		return;

	first = atomic_load_explicit(&table->returned, memory_order_relaxed);
	do {
		slot->next_free = first;
		iv__hb_before(&table->returned);
		/* Release: with iv__slot_take_locked(). */
	} while (!atomic_compare_exchange_weak_explicit(
		&table->returned, &first, place, memory_order_acq_rel,
		memory_order_relaxed));
}

void iv__slot_table_forked(struct iv__slot_table *table)
{
	table->free = 0;
	atomic_exchange(&table->returned, 0);
}
