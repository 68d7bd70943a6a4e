/* SPDX-License-Identifier: MIT */
/*
 * registry.c - the loops of the process: slots, numbers, enumeration
 *
 * Whatever reads the registry is in this file or needs it, so a program that
 * is linked with the static library has the hooks whenever it has readers.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include "annotate.h"
#include "lock.h"
#include "rcu.h"
#include "registry.h"

/* Chunk k has FIRST_CHUNK << k slots: 67 million in all. */
enum { FIRST_CHUNK = 64, NUM_CHUNKS = 20 };

/* Most programs have no more loops than these, which cost no allocation. */
static struct iv__loop_slot first_chunk[FIRST_CHUNK];

/* c, but for NULL: a struct iv__loop_slot[] each. */
static _Atomic(void *) chunks[NUM_CHUNKS] = { first_chunk };

static _Atomic(uint32_t) num_slots; /* a, counted up under the lock */
static _Atomic(size_t) num_open;    /* a */
static uint32_t first_free;	    /* m: a place, or 0 */
static int error;		    /* c: of the constructor */

static unsigned int chunk_of(uint32_t place)
{
	return 31 - (unsigned int)__builtin_clz((place - 1) / FIRST_CHUNK + 1);
}

/* Places count from 1. This one's chunk is there. */
static struct iv__loop_slot *slot_at(uint32_t place)
{
	unsigned int chunk = chunk_of(place);
	uint32_t others = (FIRST_CHUNK << chunk) - FIRST_CHUNK;
	struct iv__loop_slot *slots = iv__rcu_read(&chunks[chunk]);

	return &slots[place - 1 - others];
}

static uint32_t last_place(void)
{
	/* Acquire: with take_new_locked(), which published the chunk. */
	return atomic_load_explicit(&num_slots, memory_order_acquire);
}

struct iv__loop_slot *iv__loop_slot_of(iv_loop_id id)
{
	uint32_t place = (uint32_t)id;

	return place != 0 && place <= last_place() ? slot_at(place) : NULL;
}

/* Free slots **************************************************************/

/* 0 or -ENOMEM. */
static int make_chunk_locked(unsigned int chunk)
{
	void *slots;

	if (chunk == NUM_CHUNKS)
		return -ENOMEM;
	if (iv__rcu_read(&chunks[chunk]) != NULL)
		return 0;

	slots = calloc((size_t)FIRST_CHUNK << chunk,
		       sizeof(struct iv__loop_slot));
	if (slots == NULL)
		return -ENOMEM;
	iv__rcu_swap(&chunks[chunk], slots);

	return 0;
}

/* O1. A place; 0: no memory. */
static uint32_t take_locked(void)
{
	uint32_t place = first_free;

	if (place != 0) {
		first_free = slot_at(place)->next_free;
		return place;
	}

	place = last_place() + 1;
	if (make_chunk_locked(chunk_of(place)) < 0)
		return 0;
	/* Release: with last_place(). */
	atomic_fetch_add_explicit(&num_slots, 1, memory_order_release);

	return place;
}

/* C3, but for a slot whose next loop would have its first one's number. */
static void give_back_locked(uint32_t place)
{
	struct iv__loop_slot *slot = slot_at(place);

	if (slot->generation == UINT32_MAX)
		return;

	slot->next_free = first_free;
	first_free = place;
}

/* Loops that open and end *************************************************/

/* What would keep the registry from surviving a fork. */
static int load_error(void)
{
	if (error != 0)
		return error;

	return iv__lock_error() != 0 ? iv__lock_error() : iv__rcu_error();
}

static int list_opened(struct iv__loop *loop)
{
	struct iv__loop_slot *slot;
	uint32_t place;

	if (load_error() != 0)
		return -load_error();

	iv__lock();
	place = take_locked();
	if (place != 0) {
		slot = slot_at(place);
		slot->generation++;
		loop->id = (uint64_t)slot->generation << 32 | place;
		atomic_exchange(&slot->id, loop->id);
	}
	iv__unlock();
	if (place == 0)
		return -ENOMEM;

	atomic_fetch_add(&num_open, 1);

	return 0;
}

static void unlist_closing(struct iv__loop *loop)
{
	struct iv__loop_slot *slot = iv__loop_slot_of(loop->id);

	atomic_fetch_sub(&num_open, 1);
	atomic_exchange(&slot->id, 0);
	iv__loop_name_replace(slot, NULL);

	iv__lock();
	give_back_locked((uint32_t)loop->id);
	iv__unlock();
	loop->id = 0;
}

static const struct iv__process_hooks hooks = {
	.opened = list_opened,
	.closing = unlist_closing,
};

/* In a forked child, which has no other thread; the fork held the lock. */
static void forget_others(void)
{
	iv_loop_id own = iv_loop_self();
	uint32_t place;

	first_free = 0;
	for (place = last_place(); place > 0; place--) {
		struct iv__loop_slot *slot = slot_at(place);

		if (place == (uint32_t)own)
			continue;
		atomic_exchange(&slot->id, 0);
		free(iv__rcu_swap(&slot->name, NULL));
		give_back_locked(place);
	}
	atomic_exchange(&num_open, own != 0);
}

/* Ahead of the program's constructors, which may open loops. */
__attribute__((constructor(101))) static void install(void)
{
	error = pthread_atfork(NULL, NULL, forget_others);
	iv__loop_set_process_hooks(&hooks);
}

/* The interface ***********************************************************/

IV__PUBLIC iv_loop_id iv_loop_self(void)
{
	return iv__self != NULL ? iv__self->id : 0;
}

IV__PUBLIC size_t iv_loop_count(void)
{
	return atomic_load_explicit(&num_open, memory_order_relaxed);
}

IV__PUBLIC iv_loop_id iv_loop_next(iv_loop_id after)
{
	uint64_t last = last_place();
	uint64_t place;

	for (place = (uint64_t)(uint32_t)after + 1; place <= last; place++) {
		iv_loop_id id = atomic_load(&slot_at((uint32_t)place)->id);

		if (id != 0)
			return id;
	}

	return 0;
}
