/* SPDX-License-Identifier: MIT */
/*
 * work.c - run functions that block or compute on a pool of threads
 *
 * The public face of a pool; who does what is in pool.h.
 */
#include <errno.h>
#include "pool.h"
#include "work_local.h"

/*
 * The user's structure may be read by workers while the owner puts it, so its
 * one word is written by an exchange. NULL: never created by us, or put.
 */
static _Atomic(struct iv__pool *) *word_of(struct iv_work_pool *pool)
{
	return (_Atomic(struct iv__pool *) *)&pool->pool_;
}

static struct iv__pool *get(struct iv_work_pool *pool)
{
	/* Acquire: with the exchange of iv_work_pool_create(). */
	return atomic_load_explicit(word_of(pool), memory_order_acquire);
}

static void set(struct iv_work_pool *pool, struct iv__pool *value)
{
	atomic_exchange_explicit(word_of(pool), value, memory_order_acq_rel);
}

IV__PUBLIC int iv_work_pool_create(struct iv_work_pool *pool)
{
	struct iv__pool *created;
	int ret;

	iv__loop_self("iv_work_pool_create");

	ret = iv__pool_open(&created, pool);
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	set(pool, created);

	return 0;
}

static struct iv__pool *own_pool(struct iv_work_pool *pool, const char *call)
{
	struct iv__loop *loop = iv__loop_self(call);
	struct iv__pool *mine = get(pool);

	if (mine == NULL)
		iv_fatal("%s: the pool was put or never created; call "
			 "iv_work_pool_create() first",
			 call);
	if (mine->owner != loop)
		iv_fatal("%s: the pool belongs to another thread; make this "
			 "call in the thread that created it",
			 call);

	return mine;
}

IV__PUBLIC void iv_work_pool_put(struct iv_work_pool *pool)
{
	struct iv__pool *mine = own_pool(pool, "iv_work_pool_put");

	set(pool, NULL);
	iv__pool_close(mine);
}

static void submit(struct iv__pool *pool, struct iv_work_item *item)
{
	if (iv__pool_push(pool, item))
		iv__pool_wake_one(pool);
}

IV__PUBLIC void
iv_work_pool_submit_work(struct iv_work_pool *pool, struct iv_work_item *item)
{
	const char *call = "iv_work_pool_submit_work";

	iv__loop_self(call);
	if (pool == NULL)
		iv__work_run_here(item);
	else
		submit(own_pool(pool, call), item);
}

/*
 * A worker of the pool submits to what it works for: the owner may have put
 * the pool while work is still being done.
 */
IV__PUBLIC void iv_work_pool_submit_continuation(struct iv_work_pool *pool,
						 struct iv_work_item *item)
{
	const char *call = "iv_work_pool_submit_continuation";
	struct iv__pool *at_work = iv__pool_of_this_thread();

	iv__loop_self(call);
	if (pool == NULL)
		iv__work_run_here(item);
	else if (at_work != NULL && (get(pool) == at_work || get(pool) == NULL))
		submit(at_work, item);
	else
		submit(own_pool(pool, call), item);
}
