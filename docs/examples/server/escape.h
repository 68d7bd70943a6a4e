/* SPDX-License-Identifier: MIT */
/* escape.h - text on its way into a URL, a page or JSON, and back */
#ifndef SERVER_ESCAPE_H
#define SERVER_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Decodes %XX into to, which has room for length + 1 bytes. Returns 0, or
 * -1 when an escape is malformed or stands for a NUL byte.
 */
int percent_decode(char *to, const char *from, size_t length);

void put_url(FILE *out, const char *text); /* keeps slashes */
void put_html(FILE *out, const char *text);
void put_json(FILE *out, const char *text);

#endif
