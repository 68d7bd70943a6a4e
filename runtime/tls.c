/* SPDX-License-Identifier: MIT */
/*
 * tls.c - state that each loop carries for registered modules
 *
 * All states stand in one block a loop, at offsets given out at
 * registration. Registration ends at the first iv_init(): from then on the
 * list is constant and may be read by every thread.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <iv_tls.h>
#include "loop.h"

static struct iv_list_head users = IV_LIST_HEAD_INIT(users);
static size_t total_size;
static atomic_bool frozen;

void iv__tls_freeze(void)
{
	atomic_exchange(&frozen, true);
}

IV__PUBLIC void iv_tls_user_register(struct iv_tls_user *user)
{
	size_t align = _Alignof(max_align_t);

	if (atomic_load(&frozen))
		iv_fatal("iv_tls_user_register: called after iv_init(); call "
			 "it before the process's first iv_init()");
	if (user->sizeof_state > INT32_MAX - total_size - align)
		iv_fatal("iv_tls_user_register: %zu bytes a loop are too many",
			 user->sizeof_state);

	user->offset_ = (int)total_size;
	total_size += (user->sizeof_state + align - 1) / align * align;
	iv_list_add_tail(&user->list_, &users);
}

static void *
state_of(const struct iv__loop *loop, const struct iv_tls_user *user)
{
	return loop->tls_state + user->offset_;
}

IV__PUBLIC void *iv_tls_user_ptr(const struct iv_tls_user *user)
{
	return iv__self != NULL ? state_of(iv__self, user) : NULL;
}

int iv__tls_open(struct iv__loop *loop)
{
	loop->tls_state = calloc(1, total_size + 1);

	return loop->tls_state != NULL ? 0 : -ENOMEM;
}

void iv__tls_start(struct iv__loop *loop)
{
	struct iv_list_head *lh;

	iv_list_for_each (lh, &users) {
		struct iv_tls_user *user =
			iv_container_of(lh, struct iv_tls_user, list_);

		if (user->init_thread != NULL)
			user->init_thread(state_of(loop, user));
	}
}

void iv__tls_stop(struct iv__loop *loop)
{
	struct iv_list_head *lh;

	for (lh = users.prev; lh != &users; lh = lh->prev) {
		struct iv_tls_user *user =
			iv_container_of(lh, struct iv_tls_user, list_);

		if (user->deinit_thread != NULL)
			user->deinit_thread(state_of(loop, user));
	}
}

void iv__tls_close(struct iv__loop *loop)
{
	free(loop->tls_state);
}
