/* SPDX-License-Identifier: MIT */
/*
 * timer_queue.h - timers in order of expiry; a data structure, no more
 *
 * It knows neither loop nor clock. Times are nanoseconds of one clock that
 * starts at 0; what a pass may expire is what is due at the time that
 * iv__timer_queue_begin() was given.
 */
#ifndef IV__TIMER_QUEUE_H
#define IV__TIMER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <iv.h>

/*
 * A timer's seq_: where a word has room for it the high bits are the owner's
 * tag, the others the order of registration.
 */
#if UINTPTR_MAX > UINT32_MAX
#define IV__TIMER_TAG_BITS 16
#define IV__TIMER_TAG(tag) ((uintptr_t)(uint16_t)(tag) << 48)
#else
#define IV__TIMER_TAG_BITS 0
#define IV__TIMER_TAG(tag) ((uintptr_t)((void)(tag), 0))
#endif
#define IV__TIMER_SEQ_MASK (UINTPTR_MAX >> IV__TIMER_TAG_BITS)

struct iv__timer_wheel;

struct iv__timer_list {
	struct iv_timer *first;
	struct iv_timer **end; /* next_ of the last one, or &first */
};

/* May not be moved: its timers point into it. */
struct iv__timer_queue {
	uint64_t limit_ns;	       /* the newest pass's time */
	uint64_t cur;		       /* timers behind it: in the wheel */
	struct iv__timer_wheel *wheel; /* NULL: few timers, or no memory */
	struct iv__timer_list run;     /* the front: in order, and ... */
	struct iv_timer *heap;	       /* ... those that did not fit in */
	struct iv__timer_list late;    /* not before the next pass */
	uintptr_t seq;
	size_t count;
	size_t wheel_wait; /* until memory is asked for again */
};

void iv__timer_queue_init(struct iv__timer_queue *queue);

/* Gives the memory back; timers that are still inside are not touched. */
void iv__timer_queue_destroy(struct iv__timer_queue *queue);

/* Never fails. @timer is in no queue; @tag marks it as the caller's. */
void iv__timer_queue_insert(struct iv__timer_queue *queue,
			    struct iv_timer *timer, uint16_t tag);

void iv__timer_queue_remove(struct iv__timer_queue *queue,
			    struct iv_timer *timer);

/* When to look again, of a queue that is not empty. */
uint64_t iv__timer_queue_due_ns(const struct iv__timer_queue *queue);

/*
 * When to look again: nothing is due before *@due_ns, and perhaps nothing
 * then, if timers were removed. False: the queue is empty, as it is twice a
 * round in a loop without timers.
 */
static inline bool
iv__timer_queue_earliest(const struct iv__timer_queue *queue, uint64_t *due_ns)
{
	if (queue->count == 0)
		return false;

	*due_ns = iv__timer_queue_due_ns(queue);

	return true;
}

/*
 * Expiring is a pass of one begin and as many pops as yield a timer, the
 * earliest first. Between them anything may be inserted and removed. What is
 * inserted for @now_ns or before stays back until the next begin. Passes may
 * nest; the outer one goes on with what the inner one has left.
 */
void iv__timer_queue_begin(struct iv__timer_queue *queue, uint64_t now_ns);

/* The next timer that is due, no longer in the queue, or NULL. */
struct iv_timer *iv__timer_queue_pop(struct iv__timer_queue *queue);

#endif
