/* SPDX-License-Identifier: MIT */
/* request.c - one HTTP request, parsed by http_parser */
#include "request.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "escape.h"

static struct request *request_of(struct http_parser *parser)
{
	return parser->data;
}

/* Stops the parser; the connection answers this status and closes. */
static int refuse(struct request *request, int status)
{
	request->error = status;
	return -1;
}

static int on_url(struct http_parser *parser, const char *at, size_t length)
{
	struct request *request = request_of(parser);

	if (length > REQUEST_TARGET_MAX - request->target_length)
		return refuse(request, HTTP_STATUS_URI_TOO_LONG);
	memcpy(request->target + request->target_length, at, length);
	request->target_length += length;
	return 0;
}

/*
 * A name may come in pieces. Only its first bytes are kept, plus its
 * whole length: enough to tell "Host" and "Expect" from all others.
 */
static int
on_header_field(struct http_parser *parser, const char *at, size_t length)
{
	struct request *request = request_of(parser);

	/* http_parser lets spaces pass; others might read another name. */
	if (memchr(at, ' ', length) != NULL)
		return refuse(request, HTTP_STATUS_BAD_REQUEST);
	if (request->in_value)
		request->field_length = 0;
	request->in_value = false;
	request->any_header = true;
	for (size_t i = 0; i < length; i++, request->field_length++)
		if (request->field_length < sizeof(request->field))
			request->field[request->field_length] = at[i];
	return 0;
}

static bool field_is(const struct request *request, const char *name)
{
	return request->field_length == strlen(name) &&
	       strncasecmp(request->field, name, strlen(name)) == 0;
}

static int
on_header_value(struct http_parser *parser, const char *at, size_t length)
{
	struct request *request = request_of(parser);

	(void)at;
	(void)length;
	if (!request->in_value && field_is(request, "host"))
		request->hosts++;
	if (!request->in_value && field_is(request, "expect"))
		request->expects_continue = true;
	request->in_value = true;
	return 0;
}

static int on_headers_complete(struct http_parser *parser)
{
	struct request *request = request_of(parser);
	bool sized = parser->content_length != UINT64_MAX;
	bool new = parser->http_minor > 0;

	if (parser->http_major != 1)
		return refuse(request, HTTP_STATUS_HTTP_VERSION_NOT_SUPPORTED);
	if (request->hosts > 1 || (new && request->hosts == 0))
		return refuse(request, HTTP_STATUS_BAD_REQUEST);
	if (sized && parser->content_length > request->max_body)
		return refuse(request, HTTP_STATUS_PAYLOAD_TOO_LARGE);

	/* We never change the protocol, so the next bytes are HTTP too. */
	parser->upgrade = 0;
	request->headers_done = true;
	return 0;
}

/* The body is of no use to this server: it is counted and forgotten. */
static int on_body(struct http_parser *parser, const char *at, size_t length)
{
	struct request *request = request_of(parser);

	(void)at;
	request->body_length += length;
	if (request->body_length > request->max_body)
		return refuse(request, HTTP_STATUS_PAYLOAD_TOO_LARGE);
	return 0;
}

/* Pausing makes http_parser stop right behind this request. */
static int on_message_complete(struct http_parser *parser)
{
	struct request *request = request_of(parser);

	request->complete = true;
	request->keep_alive = http_should_keep_alive(parser) != 0;
	http_parser_pause(parser, 1);
	return 0;
}

static const struct http_parser_settings settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

void request_setup(void)
{
	http_parser_set_max_header_size(REQUEST_HEADERS_MAX);
}

static void forget(struct request *request)
{
	request->body_length = 0;
	request->target_length = 0;
	request->field_length = 0;
	request->in_value = false;
	request->any_header = false;
	request->headers_done = false;
	request->complete = false;
	request->keep_alive = false;
	request->expects_continue = false;
	request->hosts = 0;
	request->error = 0;
}

void request_init(struct request *request, size_t max_body)
{
	http_parser_init(&request->parser, HTTP_REQUEST);
	request->parser.data = request;
	request->max_body = max_body;
	forget(request);
}

void request_next(struct request *request)
{
	http_parser_pause(&request->parser, 0);
	forget(request);
}

enum http_method request_method(const struct request *request)
{
	return (enum http_method)request->parser.method;
}

/*
 * http_parser knows a fixed set of methods and says "invalid" to all
 * others. A line of the right shape has an unknown method; anything else
 * is no HTTP at all.
 */
static int judge_method(const char *line)
{
	const char *end = strchr(line, '\n');
	const char *version = strstr(line, " HTTP/");
	size_t token = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-_");

	if (token > 0 && line[token] == ' ' && version != NULL &&
	    version > line + token && end != NULL && version < end)
		return HTTP_STATUS_NOT_IMPLEMENTED;
	return HTTP_STATUS_BAD_REQUEST;
}

static int judge(const struct request *request, const char *data)
{
	switch (HTTP_PARSER_ERRNO(&request->parser)) {
	case HPE_INVALID_METHOD:
		return judge_method(data);
	case HPE_HEADER_OVERFLOW:
		return request->any_header
			       ? HTTP_STATUS_REQUEST_HEADER_FIELDS_TOO_LARGE
			       : HTTP_STATUS_URI_TOO_LONG;
	default:
		return HTTP_STATUS_BAD_REQUEST;
	}
}

/* The decoded path of the target, which may also be a whole URL. */
static bool find_path(struct request *request)
{
	struct http_parser_url url;
	bool connect = request_method(request) == HTTP_CONNECT;

	request->path[0] = '\0';
	http_parser_url_init(&url);
	if (http_parser_parse_url(request->target, request->target_length,
				  connect, &url) != 0)
		return false;
	if ((url.field_set & (1 << UF_PATH)) == 0)
		return true;
	return percent_decode(request->path,
			      request->target + url.field_data[UF_PATH].off,
			      url.field_data[UF_PATH].len) == 0;
}

static enum request_state bad(struct request *request, int status)
{
	if (request->error == 0)
		request->error = status;
	return REQUEST_BAD;
}

enum request_state request_feed(struct request *request, const char *data,
				size_t length, bool full, size_t *used)
{
	bool fresh = request->target_length == 0;

	/* judge_method() needs the whole first line. */
	*used = fresh ? strspn(data, "\r\n") : 0;
	data += *used;
	length -= *used;
	if (fresh && length == 0)
		return REQUEST_EMPTY;
	if (fresh && !full && memchr(data, '\n', length) == NULL)
		return REQUEST_HEADERS;

	*used += http_parser_execute(&request->parser, &settings, data, length);
	if (request->complete && find_path(request))
		return REQUEST_COMPLETE;
	if (request->complete)
		return bad(request, HTTP_STATUS_BAD_REQUEST);
	if (HTTP_PARSER_ERRNO(&request->parser) != HPE_OK)
		return bad(request, judge(request, data));
	return request->headers_done ? REQUEST_BODY : REQUEST_HEADERS;
}
