/* SPDX-License-Identifier: MIT */
/* offload.h - give what may block to the loop's pool of workers */
#ifndef SERVER_OFFLOAD_H
#define SERVER_OFFLOAD_H

struct connection;

/*
 * Runs work(connection) in a worker, then done(connection) on the loop.
 * In between the baton is the worker's (see connection.h).
 */
void offload(struct connection *connection,
	     void (*work)(struct connection *connection),
	     void (*done)(struct connection *connection));

#endif
