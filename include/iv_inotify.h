/* SPDX-License-Identifier: MIT */
/*
 * iv_inotify.h - be told of changes in the file system
 *
 * A struct iv_inotify is one inotify(7) instance on the loop of the thread
 * that registered it; each struct iv_inotify_watch has it watch one path.
 * Every call is for that thread only. On a system without inotify both
 * register calls fail with ENOSYS.
 */
#ifndef IV_INOTIFY_H
#define IV_INOTIFY_H

#include <stdint.h>
#include <iv.h>
#include <iv_avl.h>

#ifdef __has_include
#if __has_include(<sys/inotify.h>)
#include <sys/inotify.h>
#endif
#else
#include <sys/inotify.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct inotify_event;

struct iv_inotify {
	/* The library's own. */
	struct iv_fd fd_;
	struct iv_avl_tree watches_;
	void *reserved_;
};

struct iv_inotify_watch {
	struct iv_inotify *inotify;
	const char *pathname; /* read while registering */
	uint32_t mask;	      /* frozen while registered */
	void *cookie;
	void (*handler)(void *cookie, struct inotify_event *event);

	/* The library's own. */
	int wd_;
	struct iv_avl_node node_;
};

/* Nothing to initialise: kept because programs call it. */
static inline void IV_INOTIFY_INIT(struct iv_inotify *inotify)
{
	(void)inotify;
}

/* Nothing to initialise: kept because programs call it. */
static inline void IV_INOTIFY_WATCH_INIT(struct iv_inotify_watch *watch)
{
	(void)watch;
}

/*
 * iv_inotify_register - open an inotify instance on the calling thread's loop
 * @inotify: the caller's memory, kept until iv_inotify_unregister()
 *
 * Returns 0, or -1 with errno set (EMFILE: no descriptor left, or the user's
 * limit of instances is reached; ENFILE, ENOMEM, ENOSYS): nothing is
 * registered and nothing was kept then. A registered instance keeps its loop
 * alive, with watches or without.
 *
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_inotify(3)
 */
int iv_inotify_register(struct iv_inotify *inotify);

/*
 * iv_inotify_unregister - close the instance, with all its watches
 *
 * May be called from any callback of the thread, a watch's handler included;
 * no handler is called afterwards, and the memory of the instance and of its
 * watches may be freed at once.
 *
 * Errors:  not registered: iv_fatal().
 * Threads: the one that registered it, else iv_fatal().
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_inotify(3)
 */
void iv_inotify_unregister(struct iv_inotify *inotify);

/*
 * iv_inotify_watch_register - have a path watched
 * @watch: inotify registered; pathname, mask (IN_* of inotify(7)), cookie and
 *         handler set; the caller's memory, kept until it is unregistered
 *
 * The handler is called for each event, in the kernel's order; the event, and
 * the name in it, are valid until the handler returns. It may unregister and
 * free anything, the instance and other watches included: what was read for
 * them already is dropped.
 *
 * A watch unregisters itself before its handler is called with the last event
 * that it can get: the first one with IN_ONESHOT, else the one with IN_IGNORED
 * (the file is gone or its file system was unmounted). The handler may then
 * register it again, or free it.
 *
 * When events come faster than they are handled and the kernel's queue runs
 * over, each watch's handler is called with IN_Q_OVERFLOW and wd -1: some
 * events are lost, so look for yourself.
 *
 * Returns 0, or -1 with errno set: then nothing has changed.
 *   EEXIST  this instance watches the file already, under whatever name
 *   EINVAL  the mask is empty
 *   ENOSPC  the user's limit of watches is reached
 *   ENOENT, EACCES, ENOTDIR, ELOOP, ENAMETOOLONG, ENOMEM: as in inotify(7)
 * IN_MASK_ADD and IN_MASK_CREATE make no difference.
 *
 * Threads: the instance's own, else iv_fatal().
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_inotify(3)
 */
int iv_inotify_watch_register(struct iv_inotify_watch *watch);

/*
 * iv_inotify_watch_unregister - stop watching
 *
 * May be called from any callback of the thread, the watch's own handler
 * included; the handler is not called afterwards and the memory may be freed
 * at once. Has no effect on a watch that has unregistered itself, or whose
 * instance is unregistered but not yet freed.
 *
 * Threads: the instance's own, else iv_fatal().
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_inotify(3)
 */
void iv_inotify_watch_unregister(struct iv_inotify_watch *watch);

#ifdef __cplusplus
}
#endif

#endif
