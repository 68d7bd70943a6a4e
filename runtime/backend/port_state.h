/* SPDX-License-Identifier: MIT */
/*
 * port_state.h - what the files of the event port backend share
 *
 *	port.c        objects, waiting, and what comes of it
 *	port_waker.c  ending a wait from outside
 */
#ifndef IV__PORT_STATE_H
#define IV__PORT_STATE_H

#include <port.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "../backend.h"
#include "../loop.h"

enum { BATCH = 256 };

struct slot {
	struct iv_fd *fd;    /* NULL: nobody's, or the waker's */
	uint32_t generation; /* of the association made last */
	bool associated;     /* and nothing has come of it yet */
	bool noted;	     /* among the ended ones */
};

struct port_state {
	int port;
	int waker; /* a number, or -1 */

	bool with_timer;
	timer_t timer;
	uint64_t armed_ns; /* when it goes off; 0: not at all */

	/* Of num_slots each. */
	int num_slots;
	struct slot *slots; /* by descriptor number */
	int *ended;	    /* numbers whose association has ended */
	int num_ended;

	port_event_t batch[BATCH];
};

/* port.c */

/* Room for number @fd. 0 or -ENOMEM. */
int iv__port_reserve(struct port_state *st, int fd);

/* Associate it with the port, for these bands. 0 or -errno. */
int iv__port_associate(struct port_state *st, int number, unsigned int bands);

/* port_waker.c */
int iv__port_watch_waker(struct iv__loop *loop);
int iv__port_open_waker(struct iv__loop *loop);

#endif
