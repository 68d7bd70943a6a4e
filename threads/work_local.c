/* SPDX-License-Identifier: MIT */
/*
 * work_local.c - work items submitted without a pool
 *
 * Each loop carries a queue of them and one task, which runs what is queued
 * when it starts. Items submitted meanwhile wait for the next round, behind a
 * look at the descriptors. While an item runs, the task is registered if more
 * are left: a nested iv_main() then goes on with them.
 */
#include <iv_tls.h>
#include "../runtime/loop.h"
#include "work_local.h"

struct queue {
	struct iv_work_item *first; /* submitted */
	struct iv_work_item **lastp;
	struct iv_work_item *batch; /* to be run in this round */
	struct iv_task task;
};

static void start_batch(struct queue *queue)
{
	struct iv_work_item **lastp = &queue->batch;

	while (*lastp != NULL)
		lastp = &(*lastp)->next_;
	*lastp = queue->first;

	queue->first = NULL;
	queue->lastp = &queue->first;
}

static void run(struct iv_work_item *item)
{
	bool has_completion = item->completion != NULL;

	item->work(item->cookie);
	iv_invalidate_now();
	if (has_completion)
		item->completion(item->cookie);
}

static void run_queue(void *cookie)
{
	struct queue *queue = cookie;

	start_batch(queue);
	while (queue->batch != NULL) {
		struct iv_work_item *item = queue->batch;

		queue->batch = item->next_;
		if (queue->batch != NULL && !iv_task_registered(&queue->task))
			iv_task_register(&queue->task);
		run(item);
	}

	if (queue->first == NULL && iv_task_registered(&queue->task))
		iv_task_unregister(&queue->task);
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

__attribute__((constructor(101))) static void register_queue(void)
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

bool iv__work_waits_here(void)
{
	const struct queue *queue = iv_tls_user_ptr(&queue_of_loop);

	return queue->first != NULL || queue->batch != NULL;
}
