/* SPDX-License-Identifier: MIT */
/* request.h - one HTTP request, parsed by http_parser */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>

#define REQUEST_TARGET_MAX 4096
#define REQUEST_HEADERS_MAX 16384 /* with the request line */

/* What request_feed() says. */
enum request_state {
	REQUEST_EMPTY,	 /* nothing has arrived yet */
	REQUEST_HEADERS, /* the headers are not complete */
	REQUEST_BODY,	 /* the body is not */
	REQUEST_COMPLETE,
	REQUEST_BAD, /* answer request->error, then close */
};

struct request {
	struct http_parser parser;
	size_t max_body;
	size_t body_length;
	size_t target_length;
	char target[REQUEST_TARGET_MAX + 1];
	char path[REQUEST_TARGET_MAX + 1]; /* decoded */
	char field[8];			   /* name of the header at hand */
	size_t field_length;
	bool in_value;
	bool any_header;
	bool headers_done;
	bool complete;
	bool keep_alive;
	bool expects_continue; /* waits for "100 Continue" */
	unsigned hosts;	       /* Host headers seen */
	int error;	       /* an HTTP status, or 0 */
};

/* Once, before any thread. */
void request_setup(void);

/* Once for each connection. */
void request_init(struct request *request, size_t max_body);

/* Forgets the request that was complete; the next one may follow. */
void request_next(struct request *request);

/*
 * Takes what it can of data, which must be followed by a NUL byte, and
 * stores in *used how much that was. full says that the buffer that holds
 * data can take no more.
 */
enum request_state request_feed(struct request *request, const char *data,
				size_t length, bool full, size_t *used);

enum http_method request_method(const struct request *request);

#endif
