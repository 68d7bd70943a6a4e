/* SPDX-License-Identifier: MIT */
/*
 * inotify_bed.h - a directory to watch, for the tests of inotify
 *
 * Functions are inline because no file uses all of them.
 */
#ifndef INOTIFY_BED_H
#define INOTIFY_BED_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <iv_inotify.h>
#include "harness.h"

enum { NUM_OTHERS = 3 };

static struct iv_inotify *inotify; /* NULL: a handler has freed it */
static struct iv_inotify_watch watch;
static struct iv_inotify_watch others[NUM_OTHERS] __attribute__((unused));
static char dir[] = "/tmp/test_inotify.XXXXXX";
static int dir_fd;
static bool no_mask_create __attribute__((unused));
static int add_watch_errno; /* what it shall fail with, or 0 */
static int num_add_watch;

/* The library's call comes here: linked before the system's. */
int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	num_add_watch++;
	if (add_watch_errno != 0) {
		errno = add_watch_errno;
		return -1;
	}
	if (no_mask_create)
		mask &= ~(uint32_t)IN_MASK_CREATE;

	return (int)syscall(SYS_inotify_add_watch, fd, path, mask);
}

/* Files *****************************************************************/

static inline const char *path_of(const char *name)
{
	static char path[2][PATH_MAX];
	static int next;

	next = !next;
	snprintf(path[next], sizeof(path[next]), "%s/%s", dir, name);

	return path[next];
}

static inline void make_file(const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static inline void touch_file(const char *name)
{
	assert_int_equal(fchmodat(dir_fd, name, 0600, 0), 0);
}

static inline void remove_file(const char *name)
{
	assert_int_equal(unlinkat(dir_fd, name, 0), 0);
}

static inline int read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int number;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &number), 1);
	fclose(file);

	return number;
}

/* Watches ***************************************************************/

static inline const char *name_of_mask(uint32_t mask)
{
	switch (mask & IN_ALL_EVENTS) {
	case IN_ATTRIB:
		return "attrib";
	case IN_CREATE:
		return "create";
	case IN_DELETE:
		return "delete";
	case IN_DELETE_SELF:
		return "delete_self";
	default:
		return mask & IN_IGNORED ? "ignored" : "unexpected";
	}
}

/* Notes COOKIE:EVENT, and :NAME where there is one. */
static inline void note_event(void *cookie, struct inotify_event *event)
{
	char word[64];

	snprintf(word, sizeof(word), "%s:%s%s%s", (char *)cookie,
		 name_of_mask(event->mask), event->len > 0 ? ":" : "",
		 event->len > 0 ? event->name : "");
	note(word);
}

static inline void set_up_watch(struct iv_inotify_watch *w, const char *path,
				const char *cookie, uint32_t mask)
{
	/* Programs built for old releases hand over uninitialised words. */
	memset(w, 0xa5, sizeof(*w));
	IV_INOTIFY_WATCH_INIT(w);
	w->inotify = inotify;
	w->pathname = path;
	w->mask = mask;
	w->cookie = (void *)(uintptr_t)cookie;
	w->handler = note_event;
}

static inline void
watch_dir(struct iv_inotify_watch *w, const char *cookie, uint32_t mask)
{
	set_up_watch(w, dir, cookie, mask);
	assert_int_equal(iv_inotify_watch_register(w), 0);
}

static inline void watch_file(struct iv_inotify_watch *w, const char *name,
			      const char *cookie, uint32_t mask)
{
	set_up_watch(w, path_of(name), cookie, mask);
	assert_int_equal(iv_inotify_watch_register(w), 0);
}

static inline void expect_refusal(struct iv_inotify_watch *w, int error)
{
	errno = 0;
	assert_int_equal(iv_inotify_watch_register(w), -1);
	assert_int_equal(errno, error);
}

static inline void open_instance(void)
{
	inotify = malloc(sizeof(*inotify));
	assert_non_null(inotify);
	memset(inotify, 0xa5, sizeof(*inotify));
	IV_INOTIFY_INIT(inotify);
	assert_int_equal(iv_inotify_register(inotify), 0);
}

static inline void close_instance(void)
{
	if (inotify == NULL)
		return;
	iv_inotify_unregister(inotify);
	free(inotify);
	inotify = NULL;
}

static inline void open_bed(void)
{
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	dir_fd = open(dir, O_DIRECTORY | O_CLOEXEC);
	assert_true(dir_fd >= 0);
	iv_init();
	open_instance();
}

static inline void close_bed(void)
{
	close_instance();
	iv_deinit();
	close(dir_fd);
	assert_int_equal(rmdir(dir), 0);
}

/* Running ***************************************************************/

struct rounds {
	struct iv_task task;
	int left;
};

static inline void count_round(void *cookie)
{
	struct rounds *rounds = cookie;

	if (--rounds->left == 0)
		iv_quit();
	else
		iv_task_register(&rounds->task);
}

/*
 * The kernel queues an event before the call that caused it returns. So as
 * many looks at the descriptor as it takes to read a full queue see them all.
 * May be called by a handler: iv_quit() ends the outer loop as well.
 */
static inline void expect_events(const char *words)
{
	const char *limit = "/proc/sys/fs/inotify/max_queued_events";
	struct rounds rounds = { .left = read_number(limit) / 100 + 10 };

	IV_TASK_INIT(&rounds.task);
	rounds.task.cookie = &rounds;
	rounds.task.handler = count_round;
	iv_task_register(&rounds.task);
	run_until_quit("the rounds");
	if (iv_task_registered(&rounds.task))
		iv_task_unregister(&rounds.task);
	assert_noted(words);
}

#endif
