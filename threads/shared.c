/* SPDX-License-Identifier: MIT */
/*
 * shared.c - what threads/ keeps for one loop: made, hooked in, taken down
 */
#include <errno.h>
#include <stdlib.h>
#include "event_handle.h"
#include "pool.h"
#include "shared.h"

static struct iv__inbox *inbox_of(struct iv__loop *loop)
{
	struct iv__shared *shared = loop->shared;

	return shared->inbox;
}

static bool before_sleep(struct iv__loop *loop)
{
	return iv__inbox_before_sleep(inbox_of(loop));
}

static void after_sleep(struct iv__loop *loop)
{
	iv__inbox_after_sleep(inbox_of(loop));
}

static bool has_posts(struct iv__loop *loop)
{
	return iv__inbox_has_posts(inbox_of(loop));
}

static void dispatch(struct iv__loop *loop)
{
	iv__inbox_dispatch(inbox_of(loop));
}

static void reopened(struct iv__loop *loop)
{
	iv__inbox_reopened(inbox_of(loop));
}

static void close_shared(struct iv__loop *loop)
{
	struct iv__shared *shared = loop->shared;

	iv__loop_end_closing(loop);
	iv__pool_end_all(shared);
	iv__thread_orphan_children(shared);
	iv__signal_let_go(shared);
	iv__wait_let_go(shared);
	iv__channels_let_go(shared);
	iv__calls_unlisten(loop, &shared->bell);
	iv__event_slots_let_go(shared->inbox);
	iv__inbox_close(shared->inbox);
	iv__inbox_give_back(shared->inbox);
	iv__loop_end_closed(loop);
	free(shared);
}

static const struct iv__hooks hooks = {
	.before_sleep = before_sleep,
	.after_sleep = after_sleep,
	.has_posts = has_posts,
	.dispatch = dispatch,
	.reopened = reopened,
	.goes_on = iv__loop_end_goes_on,
	.close = close_shared,
};

static struct iv__shared *make(struct iv__loop *loop)
{
	struct iv__shared *shared;
	int ret;

	shared = calloc(1, sizeof(*shared));
	if (shared == NULL)
		return NULL;
	shared->inbox = iv__inbox_take();
	if (shared->inbox == NULL)
		goto err_shared;
	ret = iv__loop_attach(loop, &hooks, shared);
	if (ret < 0) {
		errno = -ret;
		goto err_inbox;
	}

	iv__inbox_open(shared->inbox, loop);
	INIT_IV_LIST_HEAD(&shared->children);
	INIT_IV_LIST_HEAD(&shared->pools);
	INIT_IV_LIST_HEAD(&shared->signals);
	INIT_IV_LIST_HEAD(&shared->channels);
	/* Failing that, its owner works all the same, and hears no calls. */
	if (iv__pool_of_this_thread() == NULL)
		iv__calls_listen(loop, &shared->bell);

	return shared;

err_inbox:
	iv__inbox_give_back(shared->inbox);
err_shared:
	free(shared);

	return NULL;
}

struct iv__shared *iv__shared_get(struct iv__loop *loop)
{
	return loop->shared != NULL ? loop->shared : make(loop);
}
