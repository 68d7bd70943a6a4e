/* SPDX-License-Identifier: MIT */
/* exchange.c - from the bytes of a request to the bytes of its response */
#include "exchange.h"

#include <string.h>
#include <sys/socket.h>

#include "connection.h"
#include "loop.h"
#include "offload.h"
#include "route.h"

/*
 * How much of a file one job sends at most: much enough to be worth the
 * hand-over, little enough that other jobs soon have their turn.
 */
#define FILE_STEP (1024 * 1024)

void exchange_settle(struct connection *connection)
{
	const struct response *response = &connection->response;

	connection->loop->counters.bytes_sent +=
		response->sent + (size_t)response->offset;
	response_reset(&connection->response);
}

/*
 * Further requests may be buffered. They have to wait for a task, or a
 * client that sends many at once would make the stack deep and keep the
 * loop from all others. Until then nothing more is read.
 */
static void finish(struct connection *connection)
{
	exchange_settle(connection);
	if (connection->closing) {
		connection_linger(connection);
		return;
	}
	request_next(&connection->request);
	if (connection->buffered == 0) {
		connection_enter(connection, PHASE_IDLE);
		return;
	}
	connection_enter(connection, PHASE_WORKING);
	iv_task_register(&connection->next);
}

static void wait_for_client(struct connection *connection)
{
	if (connection->phase == PHASE_SENDING)
		connection_extend(connection);
	else
		connection_enter(connection, PHASE_SENDING);
}

static void send_step(struct connection *connection)
{
	connection->sent = response_send_file(&connection->response,
					      connection->fd.fd, FILE_STEP);
}

/*
 * A step ends when the socket is full, never by waiting for the client:
 * that is the loop's part, so that slow clients hold no worker.
 */
static void sent_step(struct connection *connection)
{
	if (connection->doomed || connection->sent == SEND_FAILED)
		connection_close(connection);
	else if (connection->sent == SEND_BLOCKED)
		connection_enter(connection, PHASE_SENDING);
	else if (connection->sent == SEND_MORE)
		offload(connection, send_step, sent_step);
	else
		finish(connection);
}

void exchange_send(struct connection *connection)
{
	switch (response_send_memory(&connection->response,
				     connection->fd.fd)) {
	case SEND_DONE:
		finish(connection);
		break;
	case SEND_MORE:
		connection_enter(connection, PHASE_WORKING);
		offload(connection, send_step, sent_step);
		break;
	case SEND_BLOCKED:
		wait_for_client(connection);
		break;
	case SEND_FAILED:
		connection_close(connection);
		break;
	}
}

void exchange_respond(struct connection *connection)
{
	struct response *response = &connection->response;
	const struct request *request = &connection->request;
	bool head = request->complete && request_method(request) == HTTP_HEAD;

	if (connection->doomed) {
		connection_close(connection);
		return;
	}
	if (!request->keep_alive || connection->loop->draining)
		connection->closing = true;
	if (response->status == 0)
		response_text(response, HTTP_STATUS_SERVICE_UNAVAILABLE,
			      "The server has no memory left.");
	connection->loop->counters.answers[response->status / 100]++;
	if (response_finish(response, head, connection->closing) != 0)
		connection_close(connection);
	else
		exchange_send(connection);
}

static const char *excuse(int status)
{
	switch (status) {
	case HTTP_STATUS_REQUEST_TIMEOUT:
		return "The request did not arrive in time.";
	case HTTP_STATUS_PAYLOAD_TOO_LARGE:
		return "The body of the request is too large.";
	case HTTP_STATUS_URI_TOO_LONG:
		return "The address is too long.";
	case HTTP_STATUS_REQUEST_HEADER_FIELDS_TOO_LARGE:
		return "The headers of the request are too long.";
	case HTTP_STATUS_NOT_IMPLEMENTED:
		return "This method is not known here.";
	case HTTP_STATUS_HTTP_VERSION_NOT_SUPPORTED:
		return "Only HTTP/1.0 and HTTP/1.1 are spoken here.";
	default:
		return "This is not a well-formed HTTP request.";
	}
}

void exchange_refuse(struct connection *connection, int status)
{
	connection->closing = true;
	connection_enter(connection, PHASE_WORKING);
	response_text(&connection->response, status, "%s", excuse(status));
	exchange_respond(connection);
}

/*
 * Clients with a large body ask first, and then wait a while for this.
 * It is best effort: without it they just wait longer.
 */
static void encourage(struct connection *connection)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (!connection->request.expects_continue)
		return;
	connection->request.expects_continue = false;
	(void)send(connection->fd.fd, go_on, sizeof(go_on) - 1,
		   MSG_DONTWAIT | MSG_NOSIGNAL);
}

void exchange_receive(struct connection *connection)
{
	struct request *request = &connection->request;
	char *buffer = connection->buffer;
	bool full = connection->buffered == sizeof(connection->buffer) - 1;
	enum request_state state;
	size_t used;

	state = request_feed(request, buffer, connection->buffered, full,
			     &used);
	connection->buffered -= used;
	memmove(buffer, buffer + used, connection->buffered + 1);

	switch (state) {
	case REQUEST_EMPTY:
		connection_enter(connection, PHASE_IDLE);
		break;
	case REQUEST_HEADERS:
		connection_enter(connection, PHASE_HEADERS);
		break;
	case REQUEST_BODY:
		encourage(connection);
		connection_enter(connection, PHASE_BODY);
		break;
	case REQUEST_COMPLETE:
		connection->loop->counters.requests++;
		connection_enter(connection, PHASE_WORKING);
		route(connection);
		break;
	case REQUEST_BAD:
		exchange_refuse(connection, request->error);
		break;
	}
}
