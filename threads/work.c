/* SPDX-License-Identifier: MIT */
/*
 * work.c - run functions that block or compute on a pool of threads
 *
 * The public face of a pool; who does what is in pool.h.
 */
#include <errno.h>
#include "pool.h"
#include "work_local.h"

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
	pool->pool_ = created;

	return 0;
}

static struct iv__pool *own_pool(struct iv_work_pool *pool, const char *call)
{
	struct iv__loop *loop = iv__loop_self(call);
	struct iv__pool *mine = pool->pool_;

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

	pool->pool_ = NULL;
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
 * A worker of the pool submits to what it works for, known by its address
 * alone: the owner may have put the pool and freed the structure while work
 * is still being done.
 */
IV__PUBLIC void iv_work_pool_submit_continuation(struct iv_work_pool *pool,
						 struct iv_work_item *item)
{
	const char *call = "iv_work_pool_submit_continuation";
	struct iv__pool *at_work = iv__pool_of_this_thread();

	iv__loop_self(call);
	if (pool == NULL)
		iv__work_run_here(item);
	else if (at_work != NULL && at_work->address == pool)
		submit(at_work, item);
	else
		submit(own_pool(pool, call), item);
}
