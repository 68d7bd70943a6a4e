/* SPDX-License-Identifier: MIT */
/*
 * stress_handle_board.c - handles for everybody, alive and dead
 */
#include <errno.h>
#include "stress_handle.h"

/* What was alive when it was put here, and what was dead. */
static _Atomic(iv_event_handle) board[HANDLE_PLACES];
static _Atomic(iv_event_handle) graveyard[HANDLE_PLACES];

iv_event_handle handle_open(struct iv_event *event)
{
	iv_event_handle handle;

	stress_register(event);
	handle = iv_event_handle_of(event);
	STRESS_CHECK(handle != 0, "iv_event_handle_of was refused");

	return handle;
}

bool handle_post(iv_event_handle handle)
{
	int ret = iv_event_handle_post(handle);

	STRESS_CHECK(ret == 0 || ret == -ENOENT, "a post returned %d", ret);

	return ret == 0;
}

void handle_must_take(iv_event_handle handle)
{
	STRESS_CHECK(handle_post(handle), "a registered event took no post");
}

void handle_must_be_dead(iv_event_handle handle)
{
	STRESS_CHECK(!handle_post(handle), "an unregistered event took a post");
}

void handle_show(unsigned int place, iv_event_handle handle)
{
	atomic_exchange(&board[place % HANDLE_PLACES], handle);
}

iv_event_handle handle_shown(unsigned int place)
{
	return atomic_load(&board[place % HANDLE_PLACES]);
}

void handle_clear_board(void)
{
	unsigned int i;

	for (i = 0; i < HANDLE_PLACES; i++)
		handle_show(i, 0);
}

void handle_bury(iv_event_handle handle)
{
	static atomic_uint next;
	unsigned int place = atomic_fetch_add(&next, 1);

	handle_must_be_dead(handle);
	atomic_exchange(&graveyard[place % HANDLE_PLACES], handle);
}

iv_event_handle handle_buried(unsigned int place)
{
	return atomic_load(&graveyard[place % HANDLE_PLACES]);
}
