/* SPDX-License-Identifier: MIT */
/*
 * The hand-written queue; see raw_queue.h. It is a file of its own so that a
 * send is a call, as it is for every library.
 *
 *	send				loop
 *	1 exchange(tail, message)	1 take messages while there are some
 *	2 previous->next = message	2 asleep = 1; still none: epoll_wait
 *	3 asleep: exchange(asleep, 0),	3 asleep = 0
 *	  was 1: write(eventfd)
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "peer.h"
#include "raw_queue.h"

void raw_queue_open(struct raw_queue *queue)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };

	atomic_init(&queue->none.next, NULL);
	atomic_init(&queue->tail, &queue->none);
	atomic_init(&queue->asleep, 0);
	queue->head = &queue->none;
	queue->quit = 0;
	queue->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	queue->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll_ctl(queue->epoll_fd, EPOLL_CTL_ADD, queue->event_fd, &e))
		peer_die("raw queue: cannot open a descriptor: %m");
}

void raw_queue_close(struct raw_queue *queue)
{
	close(queue->event_fd);
	close(queue->epoll_fd);
}

static void push(struct raw_queue *queue, struct raw_message *message)
{
	struct raw_message *previous;

	atomic_store_explicit(&message->next, NULL, memory_order_relaxed);
	previous = atomic_exchange(&queue->tail, message);
	atomic_store_explicit(&previous->next, message, memory_order_release);
}

void raw_queue_send(struct raw_queue *queue, struct raw_message *message)
{
	uint64_t one = 1;

	push(queue, message);
	if (atomic_load(&queue->asleep) && atomic_exchange(&queue->asleep, 0) &&
	    write(queue->event_fd, &one, sizeof(one)) < 0)
		peer_die("raw queue: write: %m");
}

/* The next one, or NULL when there is none that is linked already. */
static struct raw_message *pop(struct raw_queue *queue)
{
	struct raw_message *head = queue->head, *next;

	next = atomic_load_explicit(&head->next, memory_order_acquire);
	if (head == &queue->none) {
		if (!next)
			return NULL;
		queue->head = head = next;
		next = atomic_load_explicit(&head->next, memory_order_acquire);
	}
	if (!next) {
		if (head != atomic_load(&queue->tail))
			return NULL;
		push(queue, &queue->none);
		next = atomic_load_explicit(&head->next, memory_order_acquire);
		if (!next)
			return NULL;
	}
	queue->head = next;
	return head;
}

static int is_empty(struct raw_queue *queue)
{
	return queue->head == &queue->none &&
	       atomic_load(&queue->tail) == &queue->none;
}

void raw_queue_run(struct raw_queue *queue,
		   void (*handler)(void *cookie, struct raw_message *message),
		   void *cookie)
{
	struct raw_message *message;
	struct epoll_event e;

	while (!queue->quit) {
		while ((message = pop(queue)) != NULL)
			handler(cookie, message);
		if (queue->quit)
			break;
		atomic_store(&queue->asleep, 1);
		if (is_empty(queue))
			epoll_wait(queue->epoll_fd, &e, 1, -1);
		atomic_store(&queue->asleep, 0);
	}
}
