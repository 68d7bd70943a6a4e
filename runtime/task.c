/* SPDX-License-Identifier: MIT */
/*
 * task.c - functions that run once, before the loop sleeps
 *
 * Each round of tasks has a number; outside a round it is 0. A task remembers
 * the round in which it was initialised or last ran: registered in that same
 * round it goes to the list of the next one, so that neither a task nor a
 * chain of new ones can keep the loop from the descriptors.
 */
#include "loop.h"

IV__PUBLIC void IV_TASK_INIT(struct iv_task *task)
{
	INIT_IV_LIST_HEAD(&task->list_);
	task->loop_ = NULL;
	task->round_ = iv__self != NULL ? iv__self->round : 0;
}

IV__PUBLIC void iv_task_register(struct iv_task *task)
{
	struct iv__loop *loop = iv__loop_self("iv_task_register");

	if (task->loop_ != NULL)
		iv_fatal("iv_task_register: the task is registered already; "
			 "wait for its handler or unregister it first");

	task->loop_ = loop;
	loop->numobjs++;
	if (loop->round != 0 && task->round_ == loop->round)
		iv_list_add_tail(&task->list_, &loop->tasks_later);
	else
		iv_list_add_tail(&task->list_, &loop->tasks);
}

static void forget(struct iv__loop *loop, struct iv_task *task)
{
	iv_list_del_init(&task->list_);
	task->loop_ = NULL;
	loop->numobjs--;
}

IV__PUBLIC void iv_task_unregister(struct iv_task *task)
{
	forget(iv__loop_of(task->loop_, "iv_task_unregister"), task);
}

IV__PUBLIC int iv_task_registered(const struct iv_task *task)
{
	return task->loop_ != NULL;
}

void iv__tasks_run(struct iv__loop *loop)
{
	uintptr_t outer = loop->round;

	loop->round = ++loop->num_rounds;
	while (!iv_list_empty(&loop->tasks)) {
		struct iv_task *task = iv_container_of(loop->tasks.next,
						       struct iv_task, list_);

		forget(loop, task);
		task->round_ = loop->round;
		task->handler(task->cookie);
	}

	loop->round = outer;
	iv_list_splice_tail_init(&loop->tasks_later, &loop->tasks);
}
