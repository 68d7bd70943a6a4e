/* SPDX-License-Identifier: MIT */
/*
 * pool_queue.c - the chains of items of a pool: intake, slots, done
 *
 * S1, W1, W2 and the looks of pool.h. Everything is sequentially consistent,
 * because a look at several words must not miss what moves between them.
 */
#include "annotate.h"
#include "pool.h"

typedef _Atomic(struct iv_work_item *) chain_head;

/* As many as one takes from another's slot. */
enum { STEAL_MAX = 16 };

/* Partner: take_all() of the same head. */
static bool push(chain_head *head, struct iv_work_item *item)
{
	struct iv_work_item *old;

	old = atomic_load_explicit(head, memory_order_relaxed);
	do {
		item->next_ = old;
		iv__hb_before(head);
	} while (!atomic_compare_exchange_weak(head, &old, item));

	return old == NULL;
}

/* Partner: push() and put_if_empty() of the same head. */
static struct iv_work_item *take_all(chain_head *head)
{
	struct iv_work_item *chain;

	if (atomic_load(head) == NULL)
		return NULL;

	chain = atomic_exchange(head, NULL);
	iv__hb_after(head);

	return chain;
}

/* Partner: take_all(). */
static bool put_if_empty(chain_head *head, struct iv_work_item *chain)
{
	struct iv_work_item *none = NULL;

	iv__hb_before(head);

	return atomic_compare_exchange_strong(head, &none, chain);
}

static struct iv_work_item *reverse(struct iv_work_item *chain)
{
	struct iv_work_item *reversed = NULL;

	while (chain != NULL) {
		struct iv_work_item *next = chain->next_;

		chain->next_ = reversed;
		reversed = chain;
		chain = next;
	}

	return reversed;
}

static void append(struct iv_work_item *chain, struct iv_work_item *more)
{
	while (chain->next_ != NULL)
		chain = chain->next_;
	chain->next_ = more;
}

/* W2: the first of @chain, with the others in the worker's slot. */
static struct iv_work_item *
keep_one(struct iv__worker *worker, struct iv_work_item *chain, bool *more)
{
	struct iv_work_item *rest = chain->next_;

	if (rest == NULL)
		return chain;

	while (!put_if_empty(&worker->slot, rest)) {
		/* A thief gave some back meanwhile: older, so in front. */
		struct iv_work_item *back = take_all(&worker->slot);

		if (back != NULL) {
			append(back, rest);
			rest = back;
		}
	}
	*more = true;

	return chain;
}

bool iv__pool_push(struct iv__pool *pool, struct iv_work_item *item)
{
	return push(&pool->intake, item);
}

bool iv__pool_push_done(struct iv__pool *pool, struct iv_work_item *item)
{
	return push(&pool->done, item);
}

struct iv_work_item *iv__pool_take_done(struct iv__pool *pool)
{
	return reverse(take_all(&pool->done));
}

struct iv_work_item *iv__pool_take(struct iv__worker *worker, bool *more)
{
	struct iv_work_item *chain;

	chain = take_all(&worker->slot);
	if (chain == NULL)
		chain = reverse(take_all(&worker->pool->intake));

	return chain != NULL ? keep_one(worker, chain, more) : NULL;
}

/* Keep the first ones, and give the rest back if the slot is still empty. */
static struct iv_work_item *
rob(struct iv__worker *worker, struct iv__worker *victim, bool *more)
{
	struct iv_work_item *chain = take_all(&victim->slot);
	struct iv_work_item *last = chain;
	struct iv_work_item *rest;
	int num;

	if (chain == NULL)
		return NULL;

	for (num = 1; num < STEAL_MAX && last->next_ != NULL; num++)
		last = last->next_;

	rest = last->next_;
	last->next_ = NULL;
	if (rest != NULL) {
		if (put_if_empty(&victim->slot, rest))
			*more = true;
		else
			last->next_ = rest;
	}

	return keep_one(worker, chain, more);
}

struct iv_work_item *iv__pool_steal(struct iv__worker *worker, bool *more)
{
	struct iv__pool *pool = worker->pool;
	unsigned int num = atomic_load(&pool->num_started);
	unsigned int self = (unsigned int)(worker - pool->worker);
	struct iv_work_item *item;
	unsigned int i;

	for (i = 1; i <= num; i++) {
		struct iv__worker *victim = &pool->worker[(self + i) % num];

		item = victim != worker ? rob(worker, victim, more) : NULL;
		if (item != NULL)
			return item;
	}

	/* What a helping owner has put aside. */
	if (worker == &pool->worker[pool->num_workers])
		return NULL;

	return rob(worker, &pool->worker[pool->num_workers], more);
}

void iv__pool_discard(struct iv__pool *pool)
{
	unsigned int i;

	take_all(&pool->intake);
	for (i = 0; i <= pool->num_workers; i++)
		take_all(&pool->worker[i].slot);
}

bool iv__pool_has_work(struct iv__pool *pool)
{
	unsigned int num;
	unsigned int i;

	if (atomic_load(&pool->intake) != NULL ||
	    atomic_load(&pool->worker[pool->num_workers].slot) != NULL)
		return true;

	num = atomic_load(&pool->num_started);
	for (i = 0; i < num; i++) {
		if (atomic_load(&pool->worker[i].slot) != NULL)
			return true;
	}

	return false;
}
