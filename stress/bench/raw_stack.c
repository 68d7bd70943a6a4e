/* SPDX-License-Identifier: MIT */
/*
 * The hand-written chain; see raw_stack.h. It is a file of its own so that a
 * send is a call, as it is for every library.
 *
 *	send				loop
 *	1 CAS(head, old -> message)	1 chain = exchange(head, NULL), deliver
 *	2 old was SLEEPING:		2 none: CAS(head, NULL -> SLEEPING),
 *	  write(eventfd)		  epoll_wait
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "peer.h"
#include "raw_stack.h"

static struct raw_message sleeping;

void raw_stack_open(struct raw_stack *stack)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };

	atomic_init(&stack->head, NULL);
	stack->quit = 0;
	stack->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	stack->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll_ctl(stack->epoll_fd, EPOLL_CTL_ADD, stack->event_fd, &e))
		peer_die("raw stack: cannot open a descriptor: %m");
}

void raw_stack_close(struct raw_stack *stack)
{
	close(stack->event_fd);
	close(stack->epoll_fd);
}

void raw_stack_send(struct raw_stack *stack, struct raw_message *message)
{
	struct raw_message *old;
	uint64_t one = 1;

	old = atomic_load_explicit(&stack->head, memory_order_relaxed);
	do {
		message->next = old == &sleeping ? NULL : old;
	} while (!atomic_compare_exchange_weak_explicit(
		&stack->head, &old, message, memory_order_acq_rel,
		memory_order_relaxed));
	if (old == &sleeping && write(stack->event_fd, &one, sizeof(one)) < 0)
		peer_die("raw stack: write: %m");
}

static struct raw_message *take(struct raw_stack *stack)
{
	struct raw_message *chain, *next, *reversed = NULL;

	chain = atomic_exchange_explicit(&stack->head, NULL,
					 memory_order_acq_rel);
	if (chain == &sleeping)
		return NULL;
	for (; chain; chain = next) {
		next = chain->next;
		chain->next = reversed;
		reversed = chain;
	}
	return reversed;
}

static void sleep_once(struct raw_stack *stack)
{
	struct raw_message *none = NULL;
	struct epoll_event e;

	if (atomic_compare_exchange_strong(&stack->head, &none, &sleeping))
		epoll_wait(stack->epoll_fd, &e, 1, -1);
}

void raw_stack_run(struct raw_stack *stack,
		   void (*handler)(void *cookie, struct raw_message *message),
		   void *cookie)
{
	struct raw_message *message, *next;

	while (!stack->quit) {
		message = take(stack);
		if (!message)
			sleep_once(stack);
		for (; message; message = next) {
			next = message->next;
			handler(cookie, message);
		}
	}
}
