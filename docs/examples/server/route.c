/* SPDX-License-Identifier: MIT */
/* route.c - who answers which request */
#include "route.h"

#include <string.h>

#include "connection.h"
#include "exchange.h"
#include "loop.h"

static const struct {
	const char *prefix;
	void (*begin)(struct connection *connection);
} routes[] = {
	{ "/sha256/", hash_begin },
	{ "/resolve/", resolve_begin },
	{ "/", files_begin },
};

static void refuse_method(struct connection *connection)
{
	response_text(&connection->response, HTTP_STATUS_METHOD_NOT_ALLOWED,
		      "Only GET and HEAD are allowed here.");
	exchange_respond(connection);
}

void route(struct connection *connection)
{
	const char *path = connection->request.path;
	enum http_method method = request_method(&connection->request);

	if (method != HTTP_GET && method != HTTP_HEAD) {
		refuse_method(connection);
		return;
	}
	if (strcmp(path, "/stats") == 0) {
		loop_ask_stats(connection);
		return;
	}
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		size_t length = strlen(routes[i].prefix);

		if (strncmp(path, routes[i].prefix, length) != 0)
			continue;
		connection->name = path + length;
		routes[i].begin(connection);
		return;
	}
	exchange_refuse(connection, HTTP_STATUS_BAD_REQUEST);
}
