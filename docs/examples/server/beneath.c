/* SPDX-License-Identifier: MIT */
/* beneath.c - open a path that must stay inside a directory */
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define MAX_DEPTH 64
#define MAX_LINKS 40
#define MAX_TRIES 8

/*
 * The step by step way. dir[] holds the directories from the root to the
 * current one, so that ".." goes back to where we came from and never
 * asks the file system, which somebody may be rearranging.
 */
struct walk {
	int dir[MAX_DEPTH];
	int depth;
	int links;
	char rest[PATH_MAX];
};

static int fail(int error)
{
	errno = error;
	return -1;
}

/* Moves the first name off walk->rest; 1 when a slash came behind it. */
static int take_name(struct walk *walk, char name[NAME_MAX + 1])
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");
	int slash = start[length] == '/';

	if (length > NAME_MAX)
		return fail(ENAMETOOLONG);
	memcpy(name, start, length);
	name[length] = '\0';
	start += length + (size_t)slash;
	memmove(walk->rest, start, strlen(start) + 1);
	return slash;
}

/* Puts a link's text in front of what is still to be walked. */
static int follow(struct walk *walk, const char *link, int slash)
{
	char joined[PATH_MAX];
	int length;

	if (++walk->links > MAX_LINKS)
		return fail(ELOOP);
	if (link[0] == '/')
		return fail(EXDEV);
	length = snprintf(joined, sizeof(joined), "%s%s%s", link,
			  slash ? "/" : "", walk->rest);
	if (length < 0 || (size_t)length >= sizeof(joined))
		return fail(ENAMETOOLONG);
	memcpy(walk->rest, joined, (size_t)length + 1);
	return 0;
}

static int go_up(struct walk *walk)
{
	if (walk->depth == 0)
		return fail(EXDEV);
	close(walk->dir[walk->depth--]);
	return 0;
}

static int go_down(struct walk *walk, const char *name)
{
	int fd;

	if (walk->depth + 1 == MAX_DEPTH)
		return fail(ENAMETOOLONG);
	fd = openat(walk->dir[walk->depth], name,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	walk->dir[++walk->depth] = fd;
	return 0;
}

/*
 * Walks one name. Returns -1 on error, 0 to go on, and 1 when *fd is the
 * file. Between readlinkat() and openat() the name may become a link;
 * O_NOFOLLOW then refuses it.
 */
static int step(struct walk *walk, int *fd)
{
	char name[NAME_MAX + 1];
	char link[PATH_MAX];
	int slash = take_name(walk, name);
	ssize_t length;

	if (slash == -1)
		return -1;
	if (name[0] == '\0') {
		*fd = openat(walk->dir[walk->depth], ".", OPEN_FLAGS);
		return *fd == -1 ? -1 : 1;
	}
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0)
		return go_up(walk);

	length = readlinkat(walk->dir[walk->depth], name, link,
			    sizeof(link) - 1);
	if (length >= 0) {
		link[length] = '\0';
		return follow(walk, link, slash);
	}
	if (errno != EINVAL)
		return -1;
	if (slash)
		return go_down(walk, name);
	*fd = openat(walk->dir[walk->depth], name, OPEN_FLAGS | O_NOFOLLOW);
	return *fd == -1 ? -1 : 1;
}

static int walk_open(int root, const char *path)
{
	struct walk walk = { .dir = { root } };
	int fd = -1;
	int found;
	int error;

	if (strlen(path) >= sizeof(walk.rest))
		return fail(ENAMETOOLONG);
	memcpy(walk.rest, path, strlen(path) + 1);

	do
		found = step(&walk, &fd);
	while (found == 0);

	error = errno;
	while (walk.depth > 0)
		close(walk.dir[walk.depth--]);
	errno = error;
	return fd;
}

static int kernel_open(int root, const char *path)
{
	struct open_how how = {
		.flags = OPEN_FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root, *path == '\0' ? "." : path, &how,
			    sizeof(how));
}

bool beneath_supported(int root)
{
	int fd = kernel_open(root, ".");

	if (fd == -1)
		return errno != ENOSYS && errno != EPERM;
	close(fd);
	return true;
}

int beneath_open(int root, const char *path, bool portable)
{
	if (portable)
		return walk_open(root, path);

	/* EAGAIN: something was renamed while ".." was being resolved. */
	for (int i = 0; i < MAX_TRIES; i++) {
		int fd = kernel_open(root, path);

		if (fd != -1 || errno != EAGAIN)
			return fd;
	}
	return walk_open(root, path);
}
