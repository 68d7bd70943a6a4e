/* SPDX-License-Identifier: MIT */
/* files.c - files and directories; all of it in workers */
#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "connection.h"
#include "exchange.h"
#include "listing.h"
#include "loop.h"
#include "offload.h"
#include "route.h"

/* Up to this size one job opens, reads and closes; larger ones are sent
 * piece by piece from the file. */
#define SMALL_FILE (64 * 1024)

static const struct {
	const char *suffix;
	const char *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".md", "text/plain; charset=utf-8" },
	{ ".c", "text/plain; charset=utf-8" },
	{ ".h", "text/plain; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".gif", "image/gif" },
	{ ".pdf", "application/pdf" },
};

static const char *type_of(const char *name)
{
	const char *suffix = strrchr(name, '.');

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (suffix != NULL && strcmp(suffix, types[i].suffix) == 0)
			return types[i].type;
	return "application/octet-stream";
}

int files_open(const struct connection *connection, const char *name)
{
	const struct options *options = connection->loop->options;

	return beneath_open(options->directory_fd, name + strspn(name, "/"),
			    options->portable_open);
}

static int read_small(struct response *response, int file, size_t size)
{
	response->body = malloc(size + 1);
	if (response->body == NULL)
		return -1;
	while (response->body_length < size) {
		ssize_t n = read(file, response->body + response->body_length,
				 size - response->body_length);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? 0 : -1;
		response->body_length += (size_t)n;
	}
	return 0;
}

static void answer_file(struct response *response, int file, size_t size)
{
	response->status = HTTP_STATUS_OK;
	if (size > SMALL_FILE) {
		response->file = file;
		response->left = size;
		return;
	}
	if (read_small(response, file, size) != 0) {
		int error = errno;

		response_reset(response);
		response_errno(response, error);
	}
	close(file);
}

/* Relative links in a page need the slash at the end of its address. */
static void answer_redirect(struct response *response, const char *name)
{
	char *location;
	FILE *out;
	size_t length;

	out = open_memstream(&location, &length);
	if (out == NULL)
		return;
	fprintf(out, "%s/", name + strspn(name, "/"));
	if (fclose(out) != 0)
		return;
	response_text(response, HTTP_STATUS_MOVED_PERMANENTLY,
		      "This directory's address ends with a slash.");
	response->location = location;
}

static int open_index(const struct connection *connection)
{
	char name[REQUEST_TARGET_MAX + sizeof("index.html")];

	snprintf(name, sizeof(name), "%sindex.html", connection->name);
	return files_open(connection, name);
}

static void answer_directory(struct connection *connection, int directory)
{
	const char *name = connection->name;
	struct response *response = &connection->response;
	struct stat stat;
	int index;

	if (*name != '\0' && name[strlen(name) - 1] != '/') {
		close(directory);
		answer_redirect(response, name);
		return;
	}
	index = open_index(connection);
	if (index == -1) {
		listing_write(response, directory, name);
		return;
	}
	close(directory);
	if (fstat(index, &stat) == 0 && S_ISREG(stat.st_mode)) {
		response->type = "text/html; charset=utf-8";
		answer_file(response, index, (size_t)stat.st_size);
		return;
	}
	close(index);
	response_errno(response, ENOENT);
}

static void open_and_answer(struct connection *connection)
{
	struct response *response = &connection->response;
	int file = files_open(connection, connection->name);
	struct stat stat;

	if (file == -1) {
		response_errno(response, errno);
	} else if (fstat(file, &stat) != 0) {
		response_errno(response, errno);
		close(file);
	} else if (S_ISREG(stat.st_mode)) {
		response->type = type_of(connection->name);
		answer_file(response, file, (size_t)stat.st_size);
	} else if (S_ISDIR(stat.st_mode)) {
		answer_directory(connection, file);
	} else {
		close(file);
		response_errno(response, ENOENT);
	}
}

void files_begin(struct connection *connection)
{
	offload(connection, open_and_answer, exchange_respond);
}
