/* SPDX-License-Identifier: MIT */
/* listener.h - accepts connections while there are descriptors */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct options;

/*
 * Before the loops run: a socket that listens on address and *port, which
 * may be 0 and then becomes the one that the kernel chose. All but the
 * first share the port with it. Returns -1 and a sentence in why when that
 * cannot be.
 */
int listener_bind(const char *address, unsigned *port, bool first, char *why,
		  size_t size);

/* On the loop: begin, pause is over, end. */
void listener_open(struct loop *loop);
void listener_resume(struct loop *loop);
void listener_close(struct loop *loop);

#endif
