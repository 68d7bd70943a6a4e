/* SPDX-License-Identifier: MIT */
/*
 * timer_front.h - the front of a timer queue: what is next, in exact order
 *
 * A run and a heap. The run takes what is not before its last or is before its
 * first timer. It turns many timers of one deadline, the worst case of a
 * pairing heap, into a list. What does not fit in is on the heap: child_ is a
 * timer's first child, next_ its next sibling.
 *
 * On every list, bucket and heap pprev_ is the pointer that points here, so
 * that removing needs no search.
 *
 * Part of timer_queue.c, which alone includes it: a call more would be felt.
 */
#ifndef IV__TIMER_FRONT_H
#define IV__TIMER_FRONT_H

#include "timer_order.h"
#include "timer_queue.h"

/* Lists ****************************************************************/

static inline void
iv__timer_push(struct iv_timer **head, struct iv_timer *timer)
{
	struct iv_timer *next = *head;

	timer->next_ = next;
	timer->pprev_ = head;
	if (next != NULL)
		next->pprev_ = &timer->next_;
	*head = timer;
}

static inline void iv__timer_list_init(struct iv__timer_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static inline void
iv__timer_append(struct iv__timer_list *list, struct iv_timer *timer)
{
	timer->next_ = NULL;
	timer->pprev_ = list->end;
	*list->end = timer;
	list->end = &timer->next_;
}

/* Take @timer from wherever it is; its children stay with it. */
static inline void
iv__timer_detach(struct iv__timer_queue *queue, struct iv_timer *timer)
{
	struct iv_timer *next = timer->next_;

	*timer->pprev_ = next;
	if (next != NULL)
		next->pprev_ = timer->pprev_;
	else if (queue->run.end == &timer->next_)
		queue->run.end = timer->pprev_;
	else if (queue->late.end == &timer->next_)
		queue->late.end = timer->pprev_;
	timer->pprev_ = NULL;
}

/* The front ************************************************************/

static inline struct iv_timer *
iv__timer_meld(struct iv_timer *a, struct iv_timer *b)
{
	if (iv__timer_is_before(b, a)) {
		iv__timer_push(&b->child_, a);
		return b;
	}
	iv__timer_push(&a->child_, b);

	return a;
}

static inline void
iv__timer_heap_put(struct iv__timer_queue *queue, struct iv_timer *timer)
{
	if (queue->heap != NULL)
		timer = iv__timer_meld(queue->heap, timer);
	timer->next_ = NULL;
	timer->pprev_ = &queue->heap;
	queue->heap = timer;
}

/* One heap out of siblings, in the two passes that keep it shallow. */
static struct iv_timer *iv__timer_combine(struct iv_timer *list)
{
	struct iv_timer *pairs = NULL;
	struct iv_timer *root;
	struct iv_timer *next;

	do {
		root = list;
		next = root->next_;
		list = NULL;
		if (next != NULL) {
			list = next->next_;
			root = iv__timer_meld(root, next);
		}
		root->next_ = pairs;
		pairs = root;
	} while (list != NULL);

	root = pairs;
	for (list = pairs->next_; list != NULL; list = next) {
		next = list->next_;
		root = iv__timer_meld(root, list);
	}

	return root;
}

static void
iv__timer_front_put(struct iv__timer_queue *queue, struct iv_timer *timer)
{
	struct iv__timer_list *run = &queue->run;

	if (run->first == NULL ||
	    !iv__timer_is_before(
		    timer, iv_container_of(run->end, struct iv_timer, next_)))
		iv__timer_append(run, timer);
	else if (iv__timer_is_before(timer, run->first))
		iv__timer_push(&run->first, timer);
	else
		iv__timer_heap_put(queue, timer);
}

static inline struct iv_timer *
iv__timer_front_first(const struct iv__timer_queue *queue)
{
	struct iv_timer *first = queue->run.first;
	struct iv_timer *root = queue->heap;

	if (first == NULL || (root != NULL && iv__timer_is_before(root, first)))
		return root;

	return first;
}

/* All of the front as one list, linked by next_. */
static struct iv_timer *iv__timer_front_dissolve(struct iv__timer_queue *queue)
{
	struct iv_timer *list = queue->run.first;
	struct iv_timer *todo = queue->heap;

	iv__timer_list_init(&queue->run);
	queue->heap = NULL;
	while (todo != NULL) {
		struct iv_timer *timer = todo;
		struct iv_timer **end = &timer->child_;

		/* Children before siblings: each child is passed once. */
		while (*end != NULL)
			end = &(*end)->next_;
		*end = timer->next_;
		todo = timer->child_;

		timer->child_ = NULL;
		timer->next_ = list;
		list = timer;
	}

	return list;
}

#endif
