/* SPDX-License-Identifier: MIT */
/*
 * loadgen.c - asks a server for one address again and again
 *
 * One loop, many connections, one request at a time on each. Prints one
 * line; fails when an answer was not a 2xx or a connection broke.
 */
#include <errno.h>
#include <getopt.h>
#include <http_parser.h>
#include <iv.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stats.h"

#define ADDRESS_MAX 4096

struct load {
	struct addrinfo *server;
	char request[ADDRESS_MAX + 128];
	size_t request_length;
	struct iv_timer end;
	uint64_t began_ns;
	uint64_t bytes;
	uint64_t failed;
	struct histogram times;
};

struct client {
	struct iv_fd fd;
	struct http_parser parser;
	struct load *load;
	uint64_t asked_ns;
	int failed;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "loadgen: %s: %s\n", what, why);
	exit(2);
}

/* A request is far smaller than an empty socket's buffer. */
static void ask(struct client *client)
{
	const struct load *load = client->load;
	ssize_t n = send(client->fd.fd, load->request, load->request_length,
			 MSG_NOSIGNAL);

	client->failed = n != (ssize_t)load->request_length;
	client->asked_ns = monotonic_ns();
}

static int on_body(struct http_parser *parser, const char *at, size_t length)
{
	struct client *client = parser->data;

	(void)at;
	client->load->bytes += length;
	return 0;
}

static int on_message_complete(struct http_parser *parser)
{
	struct client *client = parser->data;
	struct load *load = client->load;

	histogram_add(&load->times, monotonic_ns() - client->asked_ns);
	if (parser->status_code / 100 != 2)
		load->failed++;
	ask(client);
	return 0;
}

static const struct http_parser_settings settings = {
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

static void on_readable(void *cookie)
{
	static char buffer[256 * 1024];
	struct client *client = cookie;
	ssize_t n = recv(client->fd.fd, buffer, sizeof(buffer), 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		http_parser_execute(&client->parser, &settings, buffer,
				    (size_t)n);
	if (n > 0 && HTTP_PARSER_ERRNO(&client->parser) == HPE_OK &&
	    !client->failed)
		return;
	client->load->failed++;
	iv_fd_unregister(&client->fd);
	close(client->fd.fd);
}

static void start_client(struct client *client, struct load *load)
{
	const struct addrinfo *server = load->server;
	int sock = socket(server->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock == -1 ||
	    connect(sock, server->ai_addr, server->ai_addrlen) != 0)
		die("cannot connect", strerror(errno));
	client->load = load;
	http_parser_init(&client->parser, HTTP_RESPONSE);
	client->parser.data = client;
	IV_FD_INIT(&client->fd);
	client->fd.fd = sock;
	client->fd.cookie = client;
	client->fd.handler_in = on_readable;
	iv_fd_register(&client->fd);
	ask(client);
}

static void on_end(void *cookie)
{
	(void)cookie;
	iv_quit();
}

/* One part of the address, at most ADDRESS_MAX bytes with the NUL. */
static void part(char *to, const char *url, const struct http_parser_url *parts,
		 enum http_parser_url_fields field, const char *otherwise)
{
	bool given = (parts->field_set & (1 << field)) != 0;
	const char *from = given ? url + parts->field_data[field].off
				 : otherwise;
	size_t length = given ? parts->field_data[field].len
			      : strlen(otherwise);

	memcpy(to, from, length);
	to[length] = '\0';
}

static void prepare(struct load *load, const char *url)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct http_parser_url parts;
	char host[ADDRESS_MAX];
	char port[ADDRESS_MAX];
	char path[ADDRESS_MAX];
	int error;

	http_parser_url_init(&parts);
	if (strlen(url) >= ADDRESS_MAX / 2 ||
	    http_parser_parse_url(url, strlen(url), 0, &parts) != 0)
		die(url, "this is no address like http://127.0.0.1:8080/");
	part(host, url, &parts, UF_HOST, "127.0.0.1");
	part(port, url, &parts, UF_PORT, "80");
	part(path, url, &parts, UF_PATH, "/");

	error = getaddrinfo(host, port, &hints, &load->server);
	if (error != 0)
		die(host, gai_strerror(error));
	load->request_length = (size_t)snprintf(
		load->request, sizeof(load->request),
		"GET %s HTTP/1.1\r\nHost: %.64s\r\n\r\n", path, host);
}

static int report(const struct load *load)
{
	double seconds = (double)(monotonic_ns() - load->began_ns) / 1e9;

	printf("%llu requests in %.2f s: %.0f requests/s, %.1f MB/s, "
	       "p50 %.2f ms, p99 %.2f ms, %llu failed\n",
	       (unsigned long long)load->times.count, seconds,
	       (double)load->times.count / seconds,
	       (double)load->bytes / 1e6 / seconds,
	       (double)histogram_share_ns(&load->times, 0.50) / 1e6,
	       (double)histogram_share_ns(&load->times, 0.99) / 1e6,
	       (unsigned long long)load->failed);
	return load->failed == 0 && load->times.count > 0 ? 0 : 1;
}

static int run(struct load *load, unsigned connections, unsigned seconds)
{
	struct client *clients = calloc(connections, sizeof(*clients));

	if (clients == NULL)
		die("too many connections", strerror(errno));
	iv_init();
	load->began_ns = monotonic_ns();
	for (unsigned i = 0; i < connections; i++)
		start_client(&clients[i], load);
	IV_TIMER_INIT(&load->end);
	load->end.handler = on_end;
	load->end.expires = iv_now;
	load->end.expires.tv_sec += (time_t)seconds;
	iv_timer_register(&load->end);
	iv_main();

	for (unsigned i = 0; i < connections; i++) {
		if (!iv_fd_registered(&clients[i].fd))
			continue;
		iv_fd_unregister(&clients[i].fd);
		close(clients[i].fd.fd);
	}
	iv_deinit();
	free(clients);
	return report(load);
}

static unsigned number(const char *text, unsigned max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || value < 1 ||
	    value > max)
		die(text, "this should be a whole number, and not that one");
	return (unsigned)value;
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "connections", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	static struct load load;
	unsigned connections = 32;
	unsigned seconds = 2;
	int opt;
	int status;

	while ((opt = getopt_long(argc, argv, "c:s:", longopts, NULL)) != -1) {
		if (opt == 'c')
			connections = number(optarg, 10000);
		else if (opt == 's')
			seconds = number(optarg, 3600);
		else
			optind = argc;
	}
	if (argc - optind != 1)
		die("usage", "loadgen [--connections N] [--seconds N] URL");
	prepare(&load, argv[optind]);
	status = run(&load, connections, seconds);
	freeaddrinfo(load.server);
	return status;
}
