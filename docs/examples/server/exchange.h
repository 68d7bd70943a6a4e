/* SPDX-License-Identifier: MIT */
/* exchange.h - from the bytes of a request to the bytes of its response */
#ifndef SERVER_EXCHANGE_H
#define SERVER_EXCHANGE_H

struct connection;

/* Looks at what is buffered: begins, continues or refuses a request. */
void exchange_receive(struct connection *connection);

/* Answers this status and closes, whatever the state of the request. */
void exchange_refuse(struct connection *connection, int status);

/*
 * connection->response is filled in: sends it. The end of every answer,
 * called on the loop. May close the connection.
 */
void exchange_respond(struct connection *connection);

/* Sends on, when the client has read something. */
void exchange_send(struct connection *connection);

/* Counts what was sent and frees the response. */
void exchange_settle(struct connection *connection);

#endif
