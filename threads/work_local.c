/* SPDX-License-Identifier: MIT */
/*
 * work_local.c - work items submitted without a pool
 *
 * Each loop carries a queue of them and one task, which runs what is queued
 * when it starts. Items submitted meanwhile wait for the next round, behind a
 * look at the descriptors.
 */
#include <iv_tls.h>
#include "../runtime/loop.h"
#include "work_local.h"

struct queue {
	struct iv_work_item *first;
	struct iv_work_item **lastp;
	struct iv_task task;
};

static void run_queue(void *cookie)
{
	struct queue *queue = cookie;
	struct iv_work_item *item = queue->first;

	queue->first = NULL;
	queue->lastp = &queue->first;

	while (item != NULL) {
		struct iv_work_item *next = item->next_;
		bool has_completion = item->completion != NULL;

		item->work(item->cookie);
		iv_invalidate_now();
		if (has_completion)
			item->completion(item->cookie);
		item = next;
	}
}

static void init_queue(void *state)
{
	struct queue *queue = state;

	queue->lastp = &queue->first;
	IV_TASK_INIT(&queue->task);
	queue->task.cookie = queue;
	queue->task.handler = run_queue;
}

static struct iv_tls_user queue_of_loop = {
	.sizeof_state = sizeof(struct queue),
	.init_thread = init_queue,
};

__attribute__((constructor)) static void register_queue(void)
{
	iv_tls_user_register(&queue_of_loop);
}

void iv__work_run_here(struct iv_work_item *item)
{
	struct queue *queue = iv_tls_user_ptr(&queue_of_loop);

	item->next_ = NULL;
	*queue->lastp = item;
	queue->lastp = &item->next_;
	if (!iv_task_registered(&queue->task))
		iv_task_register(&queue->task);
}
