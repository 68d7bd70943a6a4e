/* SPDX-License-Identifier: MIT */
/*
 * inotify.c - be told of changes in the file system
 *
 * The kernel names a watch by a number that it does not use again for this
 * instance. So an event whose number is not in the tree is one for a watch
 * that was unregistered meanwhile, and nothing else has to be remembered.
 */
#include <errno.h>
#include <unistd.h>
#include <iv_inotify.h>
#include "loop.h"

#ifdef IV__HAVE_INOTIFY

#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif

enum { BATCH_SIZE = 4096 };

/* The watches ***********************************************************/

static struct iv_inotify_watch *watch_of(const struct iv_avl_node *node)
{
	return iv_container_of(node, struct iv_inotify_watch, node_);
}

static int compare(const struct iv_avl_node *a, const struct iv_avl_node *b)
{
	int x = watch_of(a)->wd_;
	int y = watch_of(b)->wd_;

	return (x > y) - (x < y);
}

/* The watch with the lowest number that is at least @wd, or NULL. */
static struct iv_inotify_watch *
first_from(const struct iv_inotify *inotify, int wd)
{
	struct iv_avl_node *node = inotify->watches_.root;
	struct iv_inotify_watch *found = NULL;

	while (node != NULL) {
		struct iv_inotify_watch *watch = watch_of(node);

		if (watch->wd_ >= wd)
			found = watch;
		node = watch->wd_ >= wd ? node->left : node->right;
	}

	return found;
}

static struct iv_inotify_watch *find(const struct iv_inotify *inotify, int wd)
{
	struct iv_inotify_watch *watch = first_from(inotify, wd);

	return watch != NULL && watch->wd_ == wd ? watch : NULL;
}

/* Dispatch **************************************************************/

/*
 * Handlers may do anything: each watch is searched for anew, and @level, the
 * call of ours by the loop, tells whether the instance is still registered.
 */
static void tell_all(struct iv_inotify *inotify, struct inotify_event *event,
		     const struct iv__dispatch *level)
{
	struct iv_avl_node *max = iv_avl_tree_max(&inotify->watches_);
	int last = max != NULL ? watch_of(max)->wd_ : -1;
	int wd = -1;

	while (wd < last && level->fd != NULL) {
		struct iv_inotify_watch *watch = first_from(inotify, wd + 1);

		if (watch == NULL || watch->wd_ > last)
			return;
		wd = watch->wd_;
		watch->handler(watch->cookie, event);
	}
}

static void tell(struct iv_inotify *inotify, struct inotify_event *event)
{
	struct iv_inotify_watch *watch = find(inotify, event->wd);

	if (watch == NULL)
		return;

	/* The kernel has forgotten the watch: before the handler, so do we. */
	if ((watch->mask & IN_ONESHOT) || (event->mask & IN_IGNORED))
		iv_avl_tree_delete(&inotify->watches_, &watch->node_);
	watch->handler(watch->cookie, event);
}

static void dispatch(struct iv_inotify *inotify, char *buf, size_t len)
{
	const struct iv__dispatch *level = iv__self->dispatching;
	size_t at = 0;

	while (at < len && level->fd != NULL) {
		struct inotify_event *event = (void *)(buf + at);

		at += sizeof(*event) + event->len;
		if (event->mask & IN_Q_OVERFLOW)
			tell_all(inotify, event, level);
		else
			tell(inotify, event);
	}
}

/* One batch each time: what is left has us called again. */
static void got_events(void *cookie)
{
	_Alignas(struct inotify_event) char buf[BATCH_SIZE];
	struct iv_inotify *inotify = cookie;
	ssize_t len = read(inotify->fd_.fd, buf, sizeof(buf));

	if (len > 0)
		dispatch(inotify, buf, (size_t)len);
}

/* The instance **********************************************************/

IV__PUBLIC int iv_inotify_register(struct iv_inotify *inotify)
{
	int fd, ret;

	iv__loop_self("iv_inotify_register");

	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return -1;

	INIT_IV_AVL_TREE(&inotify->watches_, compare);
	IV_FD_INIT(&inotify->fd_);
	inotify->fd_.fd = fd;
	inotify->fd_.cookie = inotify;
	inotify->fd_.handler_in = got_events;
	ret = iv__fd_register_own(&inotify->fd_);
	if (ret < 0) {
		close(fd);
		errno = -ret;
		return -1;
	}

	return 0;
}

IV__PUBLIC void iv_inotify_unregister(struct iv_inotify *inotify)
{
	iv__loop_of(inotify->fd_.loop_, "iv_inotify_unregister");
	iv_fd_unregister(&inotify->fd_);
	close(inotify->fd_.fd);
	INIT_IV_AVL_TREE(&inotify->watches_, compare);
}

/* A watch ***************************************************************/

/*
 * IN_MASK_CREATE has the kernel refuse a file that is watched already. Before
 * Linux 4.18 it does not know the flag and changes the other watch's mask; the
 * number that we get tells, and the mask is put back.
 */
IV__PUBLIC int iv_inotify_watch_register(struct iv_inotify_watch *watch)
{
	struct iv_inotify *inotify = watch->inotify;
	const uint32_t modes = IN_MASK_ADD | IN_MASK_CREATE;
	uint32_t mask = watch->mask & ~modes;
	struct iv_inotify_watch *other;
	int wd;

	iv__loop_of(inotify->fd_.loop_, "iv_inotify_watch_register");

	/* For the kernel the flag alone would be a mask. */
	if (mask == 0) {
		errno = EINVAL;
		return -1;
	}

	wd = inotify_add_watch(inotify->fd_.fd, watch->pathname,
			       mask | IN_MASK_CREATE);
	if (wd < 0)
		return -1;

	other = find(inotify, wd);
	if (other != NULL) {
		inotify_add_watch(inotify->fd_.fd, watch->pathname,
				  other->mask & ~modes);
		errno = EEXIST;
		return -1;
	}

	watch->wd_ = wd;
	iv_avl_tree_insert(&inotify->watches_, &watch->node_);

	return 0;
}

IV__PUBLIC void iv_inotify_watch_unregister(struct iv_inotify_watch *watch)
{
	struct iv_inotify *inotify = watch->inotify;

	if (find(inotify, watch->wd_) != watch)
		return;

	iv__loop_of(inotify->fd_.loop_, "iv_inotify_watch_unregister");
	inotify_rm_watch(inotify->fd_.fd, watch->wd_);
	iv_avl_tree_delete(&inotify->watches_, &watch->node_);
}

#else

IV__PUBLIC int iv_inotify_register(struct iv_inotify *inotify)
{
	(void)inotify;
	errno = ENOSYS;

	return -1;
}

IV__PUBLIC void iv_inotify_unregister(struct iv_inotify *inotify)
{
	(void)inotify;
}

IV__PUBLIC int iv_inotify_watch_register(struct iv_inotify_watch *watch)
{
	(void)watch;
	errno = ENOSYS;

	return -1;
}

IV__PUBLIC void iv_inotify_watch_unregister(struct iv_inotify_watch *watch)
{
	(void)watch;
}

#endif
