/* SPDX-License-Identifier: MIT */
/*
 * The other reference of the channels: a chain that producers push to by
 * compare-and-swap and the consumer takes whole by an exchange, and an eventfd
 * in an epoll set. No limit, no close, no other event source, no annotations.
 */
#ifndef BENCH_RAW_STACK_H
#define BENCH_RAW_STACK_H

#include <stdatomic.h>

struct raw_message {
	struct raw_message *next;
};

struct raw_stack {
	_Alignas(64) _Atomic(struct raw_message *) head;
	_Alignas(64) int epoll_fd;
	int event_fd;
	int quit;
};

void raw_stack_open(struct raw_stack *stack);
void raw_stack_run(struct raw_stack *stack,
		   void (*handler)(void *cookie, struct raw_message *message),
		   void *cookie);
void raw_stack_close(struct raw_stack *stack);

/* Any thread. */
void raw_stack_send(struct raw_stack *stack, struct raw_message *message);

#endif
