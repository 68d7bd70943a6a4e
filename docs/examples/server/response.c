/* SPDX-License-Identifier: MIT */
/* response.c - the answer to one request */
#include "response.h"

#include <errno.h>
#include <http_parser.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "escape.h"

void response_init(struct response *response)
{
	*response = (struct response){ .file = -1 };
}

void response_reset(struct response *response)
{
	free(response->location);
	free(response->head);
	free(response->body);
	if (response->file != -1)
		close(response->file);
	response_init(response);
}

FILE *response_open(struct response *response, const char *type)
{
	response->type = type;
	return open_memstream(&response->body, &response->body_length);
}

void response_close(struct response *response, FILE *out, int status)
{
	int failed = ferror(out);

	if (fclose(out) != 0 || failed) {
		free(response->body);
		response->body = NULL;
		response->body_length = 0;
		status = HTTP_STATUS_SERVICE_UNAVAILABLE;
	}
	response->status = status;
}

void response_text(struct response *response, int status, const char *format,
		   ...)
{
	FILE *out = response_open(response, "text/plain; charset=utf-8");
	va_list args;

	response->status = status;
	if (out == NULL)
		return;
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	fputc('\n', out);
	response_close(response, out, status);
}

void response_errno(struct response *response, int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		response_text(response, HTTP_STATUS_FORBIDDEN,
			      "This file may not be read.");
		break;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		response_text(response, HTTP_STATUS_SERVICE_UNAVAILABLE,
			      "The server is too busy, try again later.");
		break;
	case EIO:
		response_text(response, HTTP_STATUS_INTERNAL_SERVER_ERROR,
			      "The disk failed.");
		break;
	default:
		response_text(response, HTTP_STATUS_NOT_FOUND,
			      "There is no such file here.");
	}
}

static void put_date(FILE *out)
{
	char text[64];
	time_t now = time(NULL);
	struct tm parts;

	gmtime_r(&now, &parts);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
	fprintf(out, "Date: %s\r\n", text);
}

int response_finish(struct response *response, bool without_body, bool close)
{
	FILE *out = open_memstream(&response->head, &response->head_length);

	if (out == NULL)
		return -1;
	fprintf(out, "HTTP/1.1 %d %s\r\n", response->status,
		http_status_str((enum http_status)response->status));
	put_date(out);
	fprintf(out, "Content-Length: %zu\r\n",
		response->body_length + response->left);
	if (response->type != NULL)
		fprintf(out, "Content-Type: %s\r\n", response->type);
	if (response->location != NULL) {
		fprintf(out, "Location: /");
		put_url(out, response->location);
		fprintf(out, "\r\n");
	}
	if (response->status == HTTP_STATUS_METHOD_NOT_ALLOWED)
		fprintf(out, "Allow: GET, HEAD\r\n");
	fprintf(out, "Connection: %s\r\n\r\n", close ? "close" : "keep-alive");
	if (without_body) {
		response->body_length = 0;
		response->left = 0;
	}
	return fclose(out) == 0 ? 0 : -1;
}

static size_t slice(struct iovec *part, char *data, size_t length, size_t skip)
{
	if (skip >= length)
		return 0;
	*part = (struct iovec){
		.iov_base = data + skip,
		.iov_len = length - skip,
	};
	return 1;
}

enum send_result response_send_memory(struct response *response, int sock)
{
	size_t head = response->head_length;
	size_t total = head + response->body_length;

	while (response->sent < total) {
		size_t sent = response->sent;
		struct iovec part[2];
		struct msghdr message = { .msg_iov = part };
		ssize_t n;

		message.msg_iovlen = slice(part, response->head, head, sent);
		message.msg_iovlen += slice(part + message.msg_iovlen,
					    response->body,
					    response->body_length,
					    sent > head ? sent - head : 0);
		n = sendmsg(sock, &message,
			    MSG_DONTWAIT | MSG_NOSIGNAL |
				    (response->left > 0 ? MSG_MORE : 0));
		if (n >= 0)
			response->sent += (size_t)n;
		else if (errno == EAGAIN)
			return SEND_BLOCKED;
		else if (errno != EINTR)
			return SEND_FAILED;
	}
	return response->left > 0 ? SEND_MORE : SEND_DONE;
}

/* A file that has become shorter than promised cannot be repaired. */
enum send_result
response_send_file(struct response *response, int sock, size_t max)
{
	while (response->left > 0 && max > 0) {
		size_t want = response->left < max ? response->left : max;
		ssize_t n =
			sendfile(sock, response->file, &response->offset, want);

		if (n == 0)
			return SEND_FAILED;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? SEND_BLOCKED : SEND_FAILED;
		response->left -= (size_t)n;
		max -= (size_t)n;
	}
	return response->left > 0 ? SEND_MORE : SEND_DONE;
}
