/* SPDX-License-Identifier: MIT */
/* listing.c - the page that shows a directory */
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <http_parser.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "escape.h"
#include "response.h"

#define MAX_NAMES 10000

struct names {
	char **name;
	size_t count;
	size_t room;
	bool cut; /* there are more */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(struct names *names, const char *name)
{
	char *copy;

	if (names->count == names->room) {
		size_t room = names->room == 0 ? 64 : names->room * 2;
		char **grown = realloc(names->name, room * sizeof(*grown));

		if (grown == NULL)
			return false;
		names->name = grown;
		names->room = room;
	}
	copy = strdup(name);
	if (copy == NULL)
		return false;
	names->name[names->count++] = copy;
	return true;
}

static void read_names(struct names *names, DIR *dir)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		names->cut = names->count == MAX_NAMES ||
			     !add_name(names, entry->d_name);
		if (names->cut)
			break;
	}
	if (names->count > 0)
		qsort(names->name, names->count, sizeof(*names->name), by_name);
}

static void free_names(struct names *names)
{
	while (names->count > 0)
		free(names->name[--names->count]);
	free(names->name);
}

/*
 * "./" keeps a name with a colon from being read as a scheme. A symbolic
 * link is not followed: it may lead out of what is served.
 */
static void put_entry(FILE *out, int directory, const char *name)
{
	struct stat stat;
	bool known = fstatat(directory, name, &stat, AT_SYMLINK_NOFOLLOW) == 0;
	const char *slash = known && S_ISDIR(stat.st_mode) ? "/" : "";

	fprintf(out, "<li><a href=\"./");
	put_url(out, name);
	fprintf(out, "%s\">", slash);
	put_html(out, name);
	fprintf(out, "%s</a>", slash);
	if (known && S_ISREG(stat.st_mode))
		fprintf(out, " %lld bytes", (long long)stat.st_size);
	fprintf(out, "</li>\n");
}

static void
put_page(FILE *out, int directory, const struct names *names, const char *title)
{
	fprintf(out, "<!DOCTYPE html>\n<html lang=\"en\">\n"
		     "<head><meta charset=\"utf-8\"><title>/");
	put_html(out, title);
	fprintf(out, "</title></head>\n<body>\n<h1>/");
	put_html(out, title);
	fprintf(out, "</h1>\n<ul>\n");
	if (*title != '\0')
		fprintf(out, "<li><a href=\"../\">../</a></li>\n");
	for (size_t i = 0; i < names->count; i++)
		put_entry(out, directory, names->name[i]);
	fprintf(out, "</ul>\n%s</body>\n</html>\n",
		names->cut ? "<p>There are more.</p>\n" : "");
}

void listing_write(struct response *response, int directory, const char *name)
{
	struct names names = { .count = 0 };
	DIR *dir = fdopendir(directory);
	FILE *out;

	if (dir == NULL) {
		response_errno(response, errno);
		close(directory);
		return;
	}
	read_names(&names, dir);
	out = response_open(response, "text/html; charset=utf-8");
	if (out != NULL) {
		put_page(out, directory, &names, name + strspn(name, "/"));
		response_close(response, out, HTTP_STATUS_OK);
	}
	free_names(&names);
	closedir(dir);
}
