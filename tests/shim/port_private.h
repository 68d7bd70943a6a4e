/* SPDX-License-Identifier: MIT */
/*
 * port_private.h - what the files of the event port shim share
 *
 * A port is an epoll set, whose descriptor is the port's, and a queue of what
 * was seen in it. What has happened comes into the queue when somebody looks
 * (harvest) and leaves it when it is retrieved.
 *
 * One mutex guards everything. Signals are blocked while it is held, for
 * port_send() may be called in signal handlers; nobody waits with it held.
 */
#ifndef SHIM_PORT_PRIVATE_H
#define SHIM_PORT_PRIVATE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <iv_list.h>
#include <port.h>

#undef close
#undef timer_create
#undef timer_settime
#undef timer_delete

/* What epoll_data.u64 says: a generation, a flag and a descriptor number. */
#define SHIM_PORT_TIMER 0x80000000u
#define SHIM_PORT_KICK UINT32_MAX

/* One that is associated, or one event of a user, which only is queued. */
struct item {
	struct iv_list_head queued; /* empty: nothing has happened yet */
	port_event_t event;	    /* as it is going to be retrieved */
	uint32_t generation;	    /* of its entry in the epoll set */
};

struct timer {
	struct iv_list_head all;
	struct item item;
	struct port *port; /* NULL: it was closed */
	int fd;
};

/* Somebody inside port_getn(). */
struct waiter {
	struct iv_list_head list;
	uint_t wanted;
};

struct page;

struct port {
	struct iv_list_head all;
	pid_t creator;
	int fd;	  /* of the epoll set */
	int kick; /* an eventfd in it */
	bool kicked;
	bool closed;
	struct iv_list_head waiters;

	struct iv_list_head queue;
	uint_t num_queued;
	uint_t num_items; /* queued or not */
	uint_t max_items;

	struct page *pages;	   /* what is sent lies here */
	struct iv_list_head spare; /* items of the pages */

	int alert_events; /* 0: not in alert mode */
	void *alert_user;

	uint32_t generation;
	int num_by_number;
	struct item **by_number; /* PORT_SOURCE_FD */
};

extern unsigned int shim_port_quirks; /* SHIM_PORT_... */

/* Between the two nothing may return or wait. */
void shim_port_lock(void);
void shim_port_unlock(void);

/* A port, or NULL with errno EBADF or EBADFD. */
struct port *shim_port_find_locked(int fd);

void shim_port_enqueue_locked(struct port *port, struct item *item);
void shim_port_dequeue_locked(struct port *port, struct item *item);

/* The port is readable while there is what somebody waits for. */
void shim_port_kick_locked(struct port *port);

/* Into the queue with everything that has happened. */
void shim_port_harvest_locked(struct port *port);

/* Count one item more. False, with errno: too many. */
bool shim_port_count_locked(struct port *port);

void shim_port_waiter_left_locked(void);

/* port_send.c */
void shim_port_free_sent_locked(struct port *port);

/* port_timer.c */
void shim_port_timer_fired_locked(struct port *port, int fd);
void shim_port_timers_orphan_locked(const struct port *port);
void shim_port_timers_forked_locked(void);

#endif
