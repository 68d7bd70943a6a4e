/* SPDX-License-Identifier: MIT */
/*
 * registry_name.c - the names of loops
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "annotate.h"
#include "rcu.h"
#include "registry.h"

/* What the system takes for a thread's name, its final zero included. */
enum { THREAD_NAME_SIZE = 16 };

void iv__loop_name_replace(struct iv__loop_slot *slot, char *name)
{
	char *old = iv__rcu_swap(&slot->name, name);

	if (old == NULL)
		return;

	iv__rcu_wait();
	iv__hb_forget(old);
	free(old);
}

static void name_thread(const char *text, size_t length)
{
	char cut[THREAD_NAME_SIZE];

	if (length >= sizeof(cut))
		length = sizeof(cut) - 1;
	memcpy(cut, text, length);
	cut[length] = '\0';
	pthread_setname_np(pthread_self(), cut);
}

IV__PUBLIC int iv_loop_set_name(const char *text)
{
	iv_loop_id id = iv_loop_self();
	char *name = NULL;
	size_t length;

	if (text == NULL)
		return -EINVAL;
	length = strnlen(text, IV_LOOP_NAME_SIZE);
	if (length == IV_LOOP_NAME_SIZE)
		return -ENAMETOOLONG;
	if (id == 0)
		return -ESRCH;

	if (length > 0) {
		name = malloc(length + 1);
		if (name == NULL)
			return -ENOMEM;
		memcpy(name, text, length + 1);
		name_thread(text, length);
	}
	iv__loop_name_replace(iv__loop_slot_of(id), name);

	return 0;
}

/*
 * The name of the loop @id, for as long as the read section lasts; NULL when
 * the loop has ended.
 */
static const char *name_of_rcu(iv_loop_id id)
{
	struct iv__loop_slot *slot = iv__loop_slot_of(id);
	const char *name;

	if (slot == NULL)
		return NULL;

	name = iv__rcu_read(&slot->name);
	/* Sequentially consistent, so behind the read of the name. */
	if (atomic_load(&slot->id) != id)
		return NULL;

	return name != NULL ? name : "";
}

IV__PUBLIC int iv_loop_get_name(iv_loop_id id, char *buf, size_t size)
{
	const char *text;
	int ret = 0;

	if (buf == NULL)
		return -EINVAL;

	iv__rcu_enter();
	text = name_of_rcu(id);
	if (text == NULL)
		ret = -ESRCH;
	else if (strlen(text) >= size)
		ret = -ERANGE;
	else
		memcpy(buf, text, strlen(text) + 1);
	iv__rcu_leave();

	return ret;
}

IV__PUBLIC int iv_loop_find(const char *name, iv_loop_id *found)
{
	iv_loop_id id = 0;

	if (name == NULL || found == NULL)
		return -EINVAL;
	if (*name == '\0')
		return -ESRCH;

	iv__rcu_enter();
	while ((id = iv_loop_next(id)) != 0) {
		const char *text = name_of_rcu(id);

		if (text != NULL && strcmp(text, name) == 0)
			break;
	}
	iv__rcu_leave();
	if (id == 0)
		return -ESRCH;

	*found = id;

	return 0;
}
