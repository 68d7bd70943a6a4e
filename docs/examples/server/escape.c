/* SPDX-License-Identifier: MIT */
/* escape.c - text on its way into a URL, a page or JSON, and back */
#include "escape.h"

#include <string.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int percent_decode(char *to, const char *from, size_t length)
{
	size_t i = 0;

	while (i < length) {
		int high;
		int low;

		if (from[i] != '%') {
			*to++ = from[i++];
			continue;
		}
		if (length - i < 3)
			return -1;
		high = hex(from[i + 1]);
		low = hex(from[i + 2]);
		if (high < 0 || low < 0 || high + low == 0)
			return -1;
		*to++ = (char)(high * 16 + low);
		i += 3;
	}
	*to = '\0';
	return 0;
}

void put_url(FILE *out, const char *text)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-._~/";

	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			fputc(*text, out);
		else
			fprintf(out, "%%%02X", (unsigned char)*text);
	}
}

void put_html(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("<>&\"'", *text) != NULL)
			fprintf(out, "&#%d;", *text);
		else
			fputc(*text, out);
	}
}

void put_json(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
}
