/* SPDX-License-Identifier: MIT */
/*
 * response.h - the answer to one request: a head, then bytes in memory,
 * then a part of a file
 *
 * Plain data without threads: whoever holds the connection's baton (see
 * connection.h) may fill it in or send from it.
 */
#ifndef SERVER_RESPONSE_H
#define SERVER_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct response {
	int status;	  /* 0 until there is an answer */
	const char *type; /* Content-Type, a constant */
	char *location;	  /* where to look instead, or NULL */
	char *head;
	size_t head_length;
	char *body;
	size_t body_length;
	size_t sent;  /* of head and body */
	int file;     /* -1: none */
	off_t offset; /* of what is to be sent next */
	size_t left;  /* bytes of the file */
};

enum send_result {
	SEND_DONE,    /* nothing is left */
	SEND_MORE,    /* this step is over, more can be sent */
	SEND_BLOCKED, /* wait until the socket takes more */
	SEND_FAILED,
};

void response_init(struct response *response);
void response_reset(struct response *response); /* frees what it holds */

/* A short text of our own, mostly for errors. */
void response_text(struct response *response, int status, const char *format,
		   ...) __attribute__((format(printf, 3, 4)));

/* The status and text that fit an errno from looking for a file. */
void response_errno(struct response *response, int error);

/*
 * The body is what is written to the stream that response_open() returns
 * (NULL when there is no memory), up to response_close().
 */
FILE *response_open(struct response *response, const char *type);
void response_close(struct response *response, FILE *out, int status);

/* Writes the head. Returns 0, or -1 when there is no memory. */
int response_finish(struct response *response, bool without_body, bool close);

/* Sends from memory; never blocks. */
enum send_result response_send_memory(struct response *response, int sock);

/* Sends at most max bytes of the file; blocks only on its disk. */
enum send_result
response_send_file(struct response *response, int sock, size_t max);

#endif
