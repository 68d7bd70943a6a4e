/* SPDX-License-Identifier: MIT */
/*
 * The reference of the channels: a queue of many producers and one consumer
 * whose producers exchange its tail, and an eventfd in an epoll set. No limit,
 * no close, no other event source, no annotations.
 */
#ifndef BENCH_RAW_QUEUE_H
#define BENCH_RAW_QUEUE_H

#include <stdatomic.h>

struct raw_message {
	_Atomic(struct raw_message *) next;
};

struct raw_queue {
	_Alignas(64) _Atomic(struct raw_message *) tail;
	_Alignas(64) atomic_int asleep;
	_Alignas(64) struct raw_message *head;
	struct raw_message none;
	int epoll_fd;
	int event_fd;
	int quit;
};

void raw_queue_open(struct raw_queue *queue);
void raw_queue_run(struct raw_queue *queue,
		   void (*handler)(void *cookie, struct raw_message *message),
		   void *cookie);
void raw_queue_close(struct raw_queue *queue);

/* Any thread. */
void raw_queue_send(struct raw_queue *queue, struct raw_message *message);

#endif
