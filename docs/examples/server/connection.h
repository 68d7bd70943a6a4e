/* SPDX-License-Identifier: MIT */
/*
 * connection.h - one client, from accept to close
 *
 * A connection belongs to its loop, and is worked on by one thread at a
 * time. The baton is in the loop's hands, but for the time from
 * offload() until the job's done function runs: then it is in a
 * worker's, which may touch request, response, content and the socket,
 * while the loop touches none of these. iv_work hands it over both ways.
 */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include <iv.h>
#include <iv_list.h>
#include <iv_work.h>
#include <stdbool.h>
#include <stdint.h>

#include "request.h"
#include "response.h"

struct connection;
struct loop;

/*
 * What a connection waits for. Each phase has its interest in the socket
 * and its deadline, in one table in connection.c.
 *
 *   IDLE -> HEADERS -> BODY -> WORKING -> SENDING -> IDLE ...
 *                                  ^---------'  \-> LINGERING -> closed
 */
enum phase {
	PHASE_IDLE,	 /* the first byte of a request */
	PHASE_HEADERS,	 /* the rest of its headers */
	PHASE_BODY,	 /* the rest of its body */
	PHASE_WORKING,	 /* a worker, or the other loops */
	PHASE_SENDING,	 /* the client, to read */
	PHASE_LINGERING, /* the client, to close too */
};

struct job {
	struct iv_work_item item;
	void (*work)(struct connection *connection);
	void (*done)(struct connection *connection);
	uint64_t submitted_ns;
	uint64_t started_ns;
	uint64_t finished_ns;
	bool flying; /* the baton is away */
};

struct connection {
	struct iv_fd fd;
	struct iv_timer deadline;
	struct iv_task next;	    /* goes on with what is buffered */
	struct iv_list_head list;   /* in loop->connections */
	struct iv_list_head asking; /* for the statistics, see loop.h */
	struct loop *loop;
	enum phase phase;
	bool closing; /* after this response */
	bool doomed;  /* as soon as it can be done */
	struct job job;
	struct request request;
	struct response response;
	const char *name;      /* in request.path: what is wanted */
	void *content;	       /* of whoever makes the answer */
	enum send_result sent; /* by the last file step */
	size_t buffered;
	char buffer[REQUEST_HEADERS_MAX + 1];
};

/* Takes over the socket, also when there is no memory: then it closes. */
void connection_open(struct loop *loop, int sock);
void connection_close(struct connection *connection);

/* Leaves the old phase, sets handlers and deadline for the new one. */
void connection_enter(struct connection *connection, enum phase phase);

/* The client has made progress: the phase's time begins again. */
void connection_extend(struct connection *connection);

/* Sends what is left, waits for the client's end, then closes. */
void connection_linger(struct connection *connection);

/* Shutting down: an idle connection goes at once, others when done. */
void connection_drain(struct connection *connection);

/* Shutting down, and the time is over: goes as soon as it can. */
void connection_abort(struct connection *connection);

#endif
