/* SPDX-License-Identifier: MIT */
/*
 * The reference: the least that a loop with posts from other threads can
 * be, written by hand over epoll and eventfd. No unregistering, no grace
 * period, no annotations, no other event source: what a library adds is
 * measured against this.
 */
#ifndef BENCH_RAW_LOOP_H
#define BENCH_RAW_LOOP_H

#include <stdatomic.h>
#include <stdint.h>

struct raw_event {
	void *cookie;
	void (*handler)(void *cookie);
	struct raw_loop *loop;
	struct raw_event *next;
	atomic_int pending;
};

struct raw_loop {
	_Alignas(64) _Atomic(struct raw_event *) head;
	_Alignas(64) int epoll_fd;
	int event_fd;
	int timer_fd;
	int quit;
	int spins; /* never sleeps: looks for posts and nothing else */
	void (*tick)(void *cookie);
	void *tick_cookie;
};

void raw_loop_open(struct raw_loop *loop);
void raw_loop_run(struct raw_loop *loop);
void raw_loop_close(struct raw_loop *loop);

/* Call @tick every millisecond from raw_loop_run(); NULL stops it. */
void raw_loop_tick(struct raw_loop *loop, void (*tick)(void *), void *cookie);

void raw_event_open(struct raw_loop *loop, struct raw_event *event,
		    void (*handler)(void *), void *cookie);

/* Any thread; posts coalesce until the handler starts. */
void raw_event_post(struct raw_event *event);

#endif
