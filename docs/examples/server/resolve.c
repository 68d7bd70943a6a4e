/* SPDX-License-Identifier: MIT */
/* resolve.c - /resolve/NAME, the addresses of a host, by getaddrinfo */
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "connection.h"
#include "escape.h"
#include "exchange.h"
#include "offload.h"
#include "route.h"

#define NAME_LENGTH_MAX 253

static void put_addresses(FILE *out, const struct addrinfo *found)
{
	const char *separator = "";

	for (; found != NULL; found = found->ai_next) {
		char text[NI_MAXHOST];

		if (getnameinfo(found->ai_addr, found->ai_addrlen, text,
				sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		fprintf(out, "%s\"%s\"", separator, text);
		separator = ", ";
	}
}

static void answer_failure(struct connection *connection, int error)
{
	int status = error == EAI_NONAME ? HTTP_STATUS_NOT_FOUND
					 : HTTP_STATUS_BAD_GATEWAY;

	response_text(&connection->response, status,
		      "This name cannot be resolved: %s.", gai_strerror(error));
}

static void answer(struct connection *connection, const struct addrinfo *found)
{
	FILE *out = response_open(&connection->response, "application/json");

	if (out == NULL)
		return;
	fprintf(out, "{ \"name\": \"");
	put_json(out, connection->name);
	fprintf(out, "\", \"addresses\": [");
	put_addresses(out, found);
	fprintf(out, "] }\n");
	response_close(&connection->response, out, HTTP_STATUS_OK);
}

static void look_up(struct connection *connection)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int error = getaddrinfo(connection->name, NULL, &hints, &found);

	if (error != 0) {
		answer_failure(connection, error);
		return;
	}
	answer(connection, found);
	freeaddrinfo(found);
}

void resolve_setup(void)
{
	struct addrinfo *found;

	if (getaddrinfo("localhost", NULL, NULL, &found) == 0)
		freeaddrinfo(found);
}

void resolve_begin(struct connection *connection)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-._:";
	size_t length = strlen(connection->name);

	if (length > 0 && length <= NAME_LENGTH_MAX &&
	    strspn(connection->name, allowed) == length) {
		offload(connection, look_up, exchange_respond);
		return;
	}
	response_text(&connection->response, HTTP_STATUS_BAD_REQUEST,
		      "This is not the name of a host.");
	exchange_respond(connection);
}
