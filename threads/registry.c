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

/* Most programs have no more loops than these, which cost no allocation. */
static struct iv__loop_slot first_chunk[IV__FIRST_CHUNK];

static struct iv__slot_table table = {
	.slot_size = sizeof(struct iv__loop_slot),
	.chunks = { first_chunk },
};

static _Atomic(size_t) num_open; /* a */
static int error;		 /* c: of the constructor */

static _Thread_local struct iv__creator creator;

static struct iv__loop_slot *slot_at(uint32_t place)
{
	return iv__slot_at(&table, sizeof(struct iv__loop_slot), place, true);
}

struct iv__loop_slot *iv__loop_slot_of(iv_loop_id id)
{
	return iv__slot_find(&table, sizeof(struct iv__loop_slot),
			     (uint32_t)id);
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
	place = iv__slot_take_locked(&table);
	if (place != 0) {
		slot = slot_at(place);
		loop->id = (uint64_t)slot->slot.generation << 32 | place;
		loop->last_id = loop->id;
		slot->not_ended = loop->id;
		slot->of_worker = creator.of_pool;
		slot->creator = creator.id;
		slot->calls.stop = false;
		iv__loop_end_init(slot);
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
	iv__calls_end(slot);
	iv__loop_name_replace(slot, NULL);
	loop->id = 0;
}

/* C3 */
static void end_closed(struct iv__loop *loop)
{
	iv__loop_ended(iv__loop_slot_of(loop->last_id));
	iv__slot_give_back(&table, (uint32_t)loop->last_id);
}

static const struct iv__process_hooks hooks = {
	.opened = list_opened,
	.closing = unlist_closing,
	.closed = end_closed,
};

/* Whoever waits here and goes on in the child: the loop is gone. */
static void tell_waiters(struct iv__loop_slot *slot)
{
	struct iv__loop_waiter *waiter = slot->waiters;

	for (; waiter != NULL; waiter = waiter->next) {
		waiter->told = IV__END_ENDED;
		sem_post(&waiter->end);
	}
	slot->waiters = NULL;
}

/* In a forked child, which has no other thread; the fork held the lock. */
static void forget_others(void)
{
	iv_loop_id own = iv__loop_own_id();
	uint32_t place;

	iv__slot_table_forked(&table);
	for (place = iv__slot_table_num(&table); place > 0; place--) {
		struct iv__loop_slot *slot = slot_at(place);

		iv__calls_forked(&slot->calls, place == (uint32_t)own);
		tell_waiters(slot);
		if (place == (uint32_t)own) {
			iv__loop_end_forked(slot);
			continue;
		}
		atomic_exchange(&slot->id, 0);
		slot->not_ended = 0;
		free(iv__rcu_swap(&slot->name, NULL));
		iv__slot_give_back(&table, place);
	}
	atomic_exchange(&num_open,
			own != 0 &&
				atomic_load(&iv__loop_slot_of(own)->id) != 0);
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

void iv__loop_set_creator(iv_loop_id id, bool of_pool)
{
	creator.id = id;
	creator.of_pool = of_pool;
}

const struct iv__creator *iv__loop_creator(void)
{
	return &creator;
}

iv_loop_id iv__loop_next_not_ended(iv_loop_id after)
{
	uint32_t place = (uint32_t)after;
	iv_loop_id id = 0;

	iv__lock();
	while (id == 0 && place < iv__slot_table_num(&table)) {
		struct iv__loop_slot *slot = slot_at(++place);

		if (!slot->of_worker)
			id = slot->not_ended;
	}
	iv__unlock();

	return id;
}

IV__PUBLIC size_t iv_loop_count(void)
{
	return atomic_load_explicit(&num_open, memory_order_relaxed);
}

IV__PUBLIC iv_loop_id iv_loop_next(iv_loop_id after)
{
	uint64_t last = iv__slot_table_num(&table);
	uint64_t place;

	for (place = (uint64_t)(uint32_t)after + 1; place <= last; place++) {
		iv_loop_id id = atomic_load(&slot_at((uint32_t)place)->id);

		if (id != 0)
			return id;
	}

	return 0;
}
