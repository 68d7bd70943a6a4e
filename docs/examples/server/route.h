/* SPDX-License-Identifier: MIT */
/* route.h - who answers which request */
#ifndef SERVER_ROUTE_H
#define SERVER_ROUTE_H

struct connection;

/*
 * Begins the answer to a complete request. Each of these ends, at once or
 * later, in exchange_respond().
 */
void route(struct connection *connection);

void files_begin(struct connection *connection);   /* files.c */
void hash_begin(struct connection *connection);	   /* hash.c */
void resolve_begin(struct connection *connection); /* resolve.c */

/*
 * Before any thread: libraries then load what they need, which takes
 * descriptors that may later be rare.
 */
void resolve_setup(void);
int hash_setup(void);
void hash_teardown(void); /* when all threads have ended */

/* For workers: opens connection->name below the served directory. */
int files_open(const struct connection *connection, const char *name);

#endif
