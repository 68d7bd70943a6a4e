/* SPDX-License-Identifier: MIT */
/*
 * slot_table.h - memory that is reused but never given back
 *
 * Slots stand in chunks of growing size that are published once and never
 * freed. So a number that anybody made up leads to a slot or to none, and
 * never to memory that is something else by now. Places count from 1.
 *
 * A slot starts with a struct iv__slot. Each time that it is taken its
 * generation goes up; one whose generations are used up is not taken again.
 *
 * Key: c constant once published, m under iv__lock(), a atomic.
 */
#ifndef IV__SLOT_TABLE_H
#define IV__SLOT_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "rcu.h"

/* Chunk k has IV__FIRST_CHUNK << k slots: 67 million in all. */
enum { IV__FIRST_CHUNK = 16, IV__NUM_CHUNKS = 22 };

struct iv__slot {
	uint32_t generation; /* m */
	uint32_t next_free;  /* who gives it back; m: a place, or 0 */
};

struct iv__slot_table {
	size_t slot_size;			/* c */
	_Atomic(void *) chunks[IV__NUM_CHUNKS]; /* c, but for NULL */
	_Atomic(uint32_t) num;			/* a, counted up under m */
	_Atomic(uint32_t) returned;		/* a: a chain of places */
	uint32_t free;				/* m: another one */
};

/* How many places there are. */
static inline uint32_t iv__slot_table_num(struct iv__slot_table *table)
{
	/* Acquire: with iv__slot_take_locked(), which published the chunk. */
	return atomic_load_explicit(&table->num, memory_order_acquire);
}

/*
 * The slot at a place that there is; @size is table->slot_size, a constant to
 * the compiler; @watched: is a race detector to be told? Any thread, also in a
 * signal handler.
 */
static inline void *iv__slot_at(struct iv__slot_table *table, size_t size,
				uint32_t place, bool watched)
{
	uint32_t number = place - 1 + IV__FIRST_CHUNK;
	unsigned int top = 31 - (unsigned int)__builtin_clz(number);
	_Atomic(void *) *chunk =
		&table->chunks[top - (31 - __builtin_clz(IV__FIRST_CHUNK))];
	/* Acquire: with iv__rcu_swap(), which published the chunk. */
	char *slots =
		watched ? iv__rcu_read(chunk)
			: atomic_load_explicit(chunk, memory_order_acquire);

	return slots + (number - (UINT32_C(1) << top)) * size;
}

/* Is there such a place? Any number, any thread, any signal handler. */
static inline bool
iv__slot_is_there(struct iv__slot_table *table, uint32_t place)
{
	return place - 1 < iv__slot_table_num(table);
}

/* The slot, or NULL. */
static inline void *
iv__slot_find(struct iv__slot_table *table, size_t size, uint32_t place)
{
	return iv__slot_is_there(table, place)
		       ? iv__slot_at(table, size, place, true)
		       : NULL;
}

/*
 * Take a free slot, zeroed when it is a new one, with the next generation. Its
 * place; 0: no memory. The caller holds iv__lock().
 */
uint32_t iv__slot_take_locked(struct iv__slot_table *table);

/* Nobody uses it. Any thread, also in a signal handler. */
void iv__slot_give_back(struct iv__slot_table *table, uint32_t place);

/* In a forked child: no slot is free but those that are given back now. */
void iv__slot_table_forked(struct iv__slot_table *table);

#endif
