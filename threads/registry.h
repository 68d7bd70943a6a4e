/* SPDX-License-Identifier: MIT */
/*
 * registry.h - which loops does the process have, and what are their names?
 *
 * Each loop has a slot (slot_table.h) from its opening to its end. The number
 * of a loop is the generation of its slot, which no two loops share, and the
 * slot's place.
 *
 *	owner                               reader, any thread
 *
 *	O1 take a slot, which raises its    R1 enter a read section
 *	   generation                       R2 n = slot->name
 *	O2 slot->id = generation, place     R3 slot->id is not the number that
 *	...                                    I have: the loop has ended
 *	                                    R4 n is NULL: it has no name
 *	N1 fill in n                        R5 copy n
 *	N2 old = slot->name, name = n
 *	N3 old was not NULL: wait for a     R6 leave the read section
 *	   grace period, free old
 *	...
 *	C1 slot->id = 0
 *	C2 N2 and N3 with NULL
 *	C3 when nothing is left of the
 *	   loop: not_ended = 0, tell who
 *	   waits; give the slot back
 *
 * O1 to O2 stand under iv__lock(); N3 does not.
 *
 * Claims:
 *
 * - No use after free. Slots are not freed; names are, behind N3, which waits
 *   for those that did R2 before N2: see rcu.h.
 * - -ESRCH from C1 on. id is the number only between O2 and C1, and has no
 *   second time, because O1 counts on and a slot whose generations are used
 *   up is not freed. Were R3 ahead of R2, or C1 behind C2, a loop would be
 *   said to be there and without its name, which it has just lost.
 * - No loop is reported with another's name. Who has found one at R2 holds up
 *   its N3, hence C3, which needs C2, and with it the next O2: until R6 the
 *   number in the slot is that of the name's loop, or 0. Were the slot given
 *   back ahead of C2, the name would pass for the next loop's.
 * - Readers never wait, and opening a loop waits for the mutex only. Ending
 *   one waits for readers if it had a name.
 * - One pass over the places finds each loop that is open all the while once:
 *   it keeps its place, and the number of places covers that place
 *   since O2.
 *
 * Model: stress/model/registry.pml, with a mutant for each sentence above but
 * the last two.
 *
 * In a forked child all loops but the forking thread's are gone. The fork
 * held iv__lock(), so no O1 is half done; all slots but one are made
 * free, whatever step their owners had come to.
 *
 * Key: c constant once published, m under iv__lock(), a atomic, r read under
 * RCU and written by the loop's thread.
 */
#ifndef IV__REGISTRY_H
#define IV__REGISTRY_H

#include <stdatomic.h>
#include <stdint.h>
#include <iv_loop.h>
#include "../runtime/loop.h"
#include "loop_call.h"
#include "loop_end.h"
#include "slot_table.h"

struct iv__loop_slot {
	struct iv__slot slot;		 /* slot_table.h */
	_Atomic(uint64_t) id;		 /* a: 0 while nobody's */
	_Atomic(void *) name;		 /* r: char *, or NULL */
	bool of_worker;			 /* m: ends with its pool */
	iv_loop_id creator;		 /* m: of its thread; 0: none */
	iv_loop_id not_ended;		 /* m: 0 from C3 on */
	struct iv__loop_waiter *waiters; /* m: for C3 */
	struct iv__loop_end end;	 /* loop_end.h */
	struct iv__calls calls;		 /* its own */
};

/* The slot that @id leads to, whatever loop it has now; NULL: to none. */
struct iv__loop_slot *iv__loop_slot_of(iv_loop_id id);

/*
 * As iv_loop_next(), of loops that have not come to C3, but for those of
 * workers.
 */
iv_loop_id iv__loop_next_not_ended(iv_loop_id after);

/* The calling thread's loop, also while it closes; 0: it has none. */
static inline iv_loop_id iv__loop_own_id(void)
{
	return iv__self != NULL ? iv__self->last_id : 0;
}

/* The loop that has started the calling thread, to wait for its end. */
struct iv__creator {
	iv_loop_id id; /* 0: none */
	bool of_pool;  /* it waits when it closes, too */
};

void iv__loop_set_creator(iv_loop_id id, bool of_pool);
const struct iv__creator *iv__loop_creator(void);

/* registry_name.c: N2 and N3. @name: malloc()ed, or NULL. */
void iv__loop_name_replace(struct iv__loop_slot *slot, char *name);

#endif
