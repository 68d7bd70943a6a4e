/* SPDX-License-Identifier: MIT */
/* connection.c - one client, from accept to close */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange.h"
#include "loop.h"

#define LINGER_MS 1000

static void on_readable(void *cookie);
static void on_writable(void *cookie);

static unsigned timeout_ms(const struct connection *connection)
{
	const struct options *options = connection->loop->options;

	switch (connection->phase) {
	case PHASE_IDLE:
		return options->idle_ms;
	case PHASE_HEADERS:
		return options->header_ms;
	case PHASE_BODY:
		return options->body_ms;
	case PHASE_SENDING:
		return options->write_ms;
	case PHASE_LINGERING:
		return LINGER_MS;
	case PHASE_WORKING:
		break;
	}
	return 0;
}

void connection_extend(struct connection *connection)
{
	struct iv_timer *timer = &connection->deadline;
	unsigned ms = timeout_ms(connection);

	if (iv_timer_registered(timer))
		iv_timer_unregister(timer);
	if (ms == 0)
		return;
	timer->expires = time_after_ms(ms);
	iv_timer_register(timer);
}

void connection_enter(struct connection *connection, enum phase phase)
{
	bool reads = phase != PHASE_WORKING && phase != PHASE_SENDING;
	bool writes = phase == PHASE_SENDING;

	if (connection->phase == phase)
		return;
	connection->phase = phase;
	iv_fd_set_handler_in(&connection->fd, reads ? on_readable : NULL);
	iv_fd_set_handler_out(&connection->fd, writes ? on_writable : NULL);
	connection_extend(connection);
}

void connection_close(struct connection *connection)
{
	struct loop *loop = connection->loop;

	if (iv_timer_registered(&connection->deadline))
		iv_timer_unregister(&connection->deadline);
	if (iv_task_registered(&connection->next))
		iv_task_unregister(&connection->next);
	iv_fd_unregister(&connection->fd);
	close(connection->fd.fd);
	iv_list_del(&connection->list);
	iv_list_del(&connection->asking);
	exchange_settle(connection);
	free(connection);
	loop_connection_closed(loop);
}

/*
 * close() with unread bytes would send a reset, which can overtake the
 * answer. So only our direction is shut, and theirs is read to its end.
 */
void connection_linger(struct connection *connection)
{
	connection->buffered = 0;
	if (shutdown(connection->fd.fd, SHUT_WR) != 0)
		connection_close(connection);
	else
		connection_enter(connection, PHASE_LINGERING);
}

static void receive(struct connection *connection)
{
	size_t room = sizeof(connection->buffer) - 1 - connection->buffered;
	ssize_t n = recv(connection->fd.fd,
			 connection->buffer + connection->buffered, room, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		connection_close(connection);
		return;
	}
	if (connection->phase == PHASE_LINGERING)
		return;
	connection->buffered += (size_t)n;
	connection->buffer[connection->buffered] = '\0';
	exchange_receive(connection);
}

static void on_readable(void *cookie)
{
	receive(cookie);
}

static void on_writable(void *cookie)
{
	exchange_send(cookie);
}

static void on_deadline(void *cookie)
{
	struct connection *connection = cookie;

	if (connection->phase != PHASE_IDLE)
		connection->loop->counters.timeouts++;
	if (connection->phase == PHASE_HEADERS ||
	    connection->phase == PHASE_BODY)
		exchange_refuse(connection, HTTP_STATUS_REQUEST_TIMEOUT);
	else
		connection_close(connection);
}

static void on_next(void *cookie)
{
	exchange_receive(cookie);
}

static void set_up(struct connection *connection, struct loop *loop, int sock)
{
	IV_FD_INIT(&connection->fd);
	connection->fd.fd = sock;
	connection->fd.cookie = connection;
	connection->fd.handler_in = on_readable;
	IV_TIMER_INIT(&connection->deadline);
	connection->deadline.cookie = connection;
	connection->deadline.handler = on_deadline;
	IV_TASK_INIT(&connection->next);
	connection->next.cookie = connection;
	connection->next.handler = on_next;
	INIT_IV_LIST_HEAD(&connection->asking);
	connection->loop = loop;
	connection->phase = PHASE_IDLE;
	connection->closing = false;
	connection->doomed = false;
	connection->job.flying = false;
	connection->content = NULL;
	connection->buffered = 0;
	request_init(&connection->request, loop->options->max_body);
	response_init(&connection->response);
}

void connection_open(struct loop *loop, int sock)
{
	struct connection *connection = malloc(sizeof(*connection));

	if (connection == NULL) {
		close(sock);
		return;
	}
	set_up(connection, loop, sock);
	iv_fd_register(&connection->fd);
	iv_list_add_tail(&connection->list, &loop->connections);
	loop->counters.accepted++;
	connection_extend(connection);
}

void connection_drain(struct connection *connection)
{
	connection->closing = true;
	if (connection->phase == PHASE_IDLE)
		connection_close(connection);
}

/* While a worker has the baton, only the socket can be told to stop. */
void connection_abort(struct connection *connection)
{
	connection->doomed = true;
	if (connection->job.flying)
		shutdown(connection->fd.fd, SHUT_RDWR);
	else
		connection_close(connection);
}
