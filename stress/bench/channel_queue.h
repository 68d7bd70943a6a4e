/* SPDX-License-Identifier: MIT */
/*
 * What programs write that have no channels: a list under a mutex, whose
 * receiver is woken by who finds it empty, and takes it whole.
 */
#ifndef BENCH_CHANNEL_QUEUE_H
#define BENCH_CHANNEL_QUEUE_H

#include <pthread.h>
#include <stddef.h>

struct peer_message {
	struct peer_message *next;
};

struct queue {
	pthread_mutex_t lock;
	struct peer_message *first;
	struct peer_message **end;
	void (*handler)(void *cookie, struct peer_message *message);
	void *cookie;
};

static void message_init(struct peer_message *message)
{
	message->next = NULL;
}

static void
queue_open(struct queue *queue, void (*handler)(void *, struct peer_message *),
	   void *cookie)
{
	pthread_mutex_init(&queue->lock, NULL);
	queue->first = NULL;
	queue->end = &queue->first;
	queue->handler = handler;
	queue->cookie = cookie;
}

static void queue_close(struct queue *queue)
{
	pthread_mutex_destroy(&queue->lock);
}

/* Was it empty? Then somebody has to wake the receiver. */
static inline int queue_put(struct queue *queue, struct peer_message *message)
{
	int was_empty;

	message->next = NULL;
	pthread_mutex_lock(&queue->lock);
	was_empty = queue->first == NULL;
	*queue->end = message;
	queue->end = &message->next;
	pthread_mutex_unlock(&queue->lock);
	return was_empty;
}

static void queue_drain(struct queue *queue)
{
	struct peer_message *message, *next;

	pthread_mutex_lock(&queue->lock);
	message = queue->first;
	queue->first = NULL;
	queue->end = &queue->first;
	pthread_mutex_unlock(&queue->lock);
	for (; message; message = next) {
		next = message->next;
		queue->handler(queue->cookie, message);
	}
}

#endif
