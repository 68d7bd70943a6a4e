/* SPDX-License-Identifier: MIT */
/*
 * wait.c - learn how child processes stop, continue and end
 *
 * The plan and the structures are in waits.h.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lock.h"
#include "shared.h"
#include "waits.h"

enum { RETRY_MS = 20, STATUS_LOST = 255 << 8 };

/* Looking *****************************************************************/

/*
 * Take one status from the kernel: true when there was one. A child that
 * somebody else has waited for gets an exit status in its place.
 */
static bool
reap(struct iv_wait_interest *child, int *status, struct rusage *rusage)
{
	int cancel_state;
	pid_t ret;

	memset(rusage, 0, sizeof(*rusage));
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	iv__lock();
	ret = wait4(child->pid, status, WNOHANG | WUNTRACED | WCONTINUED,
		    rusage);
	if (ret < 0)
		*status = STATUS_LOST;
	if (ret != 0 && (WIFEXITED(*status) || WIFSIGNALED(*status)))
		child->private_.child.state |= IV__WAIT_ENDED;
	iv__unlock();
	pthread_setcancelstate(cancel_state, NULL);

	return ret != 0;
}

static void look_later(struct iv__waits *waits, struct iv_wait_interest *child)
{
	struct iv_list_head *list = &child->private_.child.list;

	iv_list_del(list);
	iv_list_add_tail(list, &waits->look_at);
	if (!iv_task_registered(&waits->look))
		iv_task_register(&waits->look);
}

/* The handler may unregister the child, and then it may be gone. */
void iv__wait_look(struct iv_wait_interest *child)
{
	struct rusage rusage;
	int status;

	/* After a fork it is the child of another process: not ours. */
	if (child->private_.child.process != getpid()) {
		iv_list_del_init(&child->private_.child.list);
		iv__pidfd_close(child);
		return;
	}

	if (!reap(child, &status, &rusage))
		return;

	if (child->private_.child.state & IV__WAIT_ENDED) {
		iv_list_del_init(&child->private_.child.list);
		iv__pidfd_close(child);
	} else if (child->private_.child.state & IV__WAIT_ATTACHED) {
		look_later(child->private_.child.by.waits, child);
	}
	child->handler(child->cookie, status, &rusage);
}

/* Those registered meanwhile wait for their own task, in the next round. */
static void look_at_some(void *cookie)
{
	struct iv__waits *waits = cookie;

	iv_list_splice_tail_init(&waits->look_at, &waits->batch);
	while (!iv_list_empty(&waits->batch)) {
		struct iv_wait_interest *child = iv_container_of(
			waits->batch.next, struct iv_wait_interest,
			private_.child.list);

		iv_list_del(&child->private_.child.list);
		iv_list_add_tail(&child->private_.child.list, &waits->known);
		iv__wait_look(child);
	}
}

static void got_sigchld(void *cookie)
{
	struct iv__waits *waits = cookie;

	iv_list_splice_tail_init(&waits->known, &waits->look_at);
	look_at_some(waits);
}

/* What a loop has for its children ****************************************/

static struct iv__waits *make(void)
{
	struct iv__waits *waits = calloc(1, sizeof(*waits));

	if (waits == NULL)
		return NULL;

	INIT_IV_LIST_HEAD(&waits->known);
	INIT_IV_LIST_HEAD(&waits->look_at);
	INIT_IV_LIST_HEAD(&waits->batch);
	INIT_IV_LIST_HEAD(&waits->pidfds);
	IV_TASK_INIT(&waits->look);
	waits->look.cookie = waits;
	waits->look.handler = look_at_some;
	waits->sigchld.signum = SIGCHLD;
	waits->sigchld.cookie = waits;
	waits->sigchld.handler = got_sigchld;

	return waits;
}

struct iv__waits *iv__wait_hold(struct iv__loop *loop)
{
	struct iv__shared *shared = iv__shared_get(loop);

	if (shared == NULL)
		return NULL;
	if (shared->waits == NULL)
		shared->waits = make();
	if (shared->waits == NULL)
		return NULL;

	if (shared->waits->num == 0 &&
	    iv__signal_register_own(&shared->waits->sigchld) < 0)
		return NULL;
	shared->waits->num++;

	return shared->waits;
}

void iv__wait_release(struct iv__waits *waits)
{
	waits->num--;
	if (waits->num == 0)
		iv_signal_unregister(&waits->sigchld);
	if (iv_list_empty(&waits->look_at) && iv_task_registered(&waits->look))
		iv_task_unregister(&waits->look);
}

/* The children's own memory may be gone, with the stack of a thread. */
void iv__wait_let_go(struct iv__shared *shared)
{
	struct iv__waits *waits = shared->waits;

	if (waits == NULL)
		return;

	iv__pidfds_let_go(waits);
	free(waits);
}

/* Interests ***************************************************************/

void iv__wait_attach(struct iv__waits *waits, struct iv_wait_interest *child)
{
	child->private_.child.by.waits = waits;
	iv__lock();
	child->private_.child.state |= IV__WAIT_ATTACHED;
	iv__unlock();
	INIT_IV_LIST_HEAD(&child->private_.child.list);
	look_later(waits, child);
	iv__pidfd_open(waits, child);
}

void iv__wait_begin(struct iv_wait_interest *child)
{
	INIT_IV_LIST_HEAD(&child->private_.child.list);
	child->private_.child.pidfd = NULL;
	child->private_.child.process = getpid();
	child->private_.child.state = 0;
}

static void retry(void *cookie);

static void start_retry_timer(struct iv_wait_interest *child)
{
	struct iv_timer *timer = &child->private_.child.by.retry;

	IV_TIMER_INIT(timer);
	timer->expires = *iv__loop_now(iv__self);
	timer->expires.tv_nsec += RETRY_MS * 1000000;
	if (timer->expires.tv_nsec >= 1000000000) {
		timer->expires.tv_nsec -= 1000000000;
		timer->expires.tv_sec++;
	}
	timer->cookie = child;
	timer->handler = retry;
	iv_timer_register(timer);
}

/* Goes on also when it has ended: what is registered keeps the loop alive. */
static void retry(void *cookie)
{
	struct iv_wait_interest *child = cookie;
	struct iv__waits *waits = NULL;

	if (!(child->private_.child.state & IV__WAIT_ENDED))
		waits = iv__wait_hold(iv__self);
	if (waits != NULL) {
		iv__wait_attach(waits, child);
		return;
	}

	start_retry_timer(child);
	if (!(child->private_.child.state & IV__WAIT_ENDED))
		iv__wait_look(child);
}

IV__PUBLIC void iv_wait_interest_register(struct iv_wait_interest *child)
{
	struct iv__loop *loop = iv__loop_self("iv_wait_interest_register");
	struct iv__waits *waits;

	if (child->pid < 1)
		iv_fatal("iv_wait_interest_register: pid %ld names no single "
			 "child; pass the pid of one, as fork() returned it",
			 (long)child->pid);

	iv__wait_begin(child);
	waits = iv__wait_hold(loop);
	if (waits != NULL)
		iv__wait_attach(waits, child);
	else
		start_retry_timer(child);
}

IV__PUBLIC void iv_wait_interest_unregister(struct iv_wait_interest *child)
{
	struct iv__loop *loop = iv__loop_self("iv_wait_interest_unregister");
	struct iv__waits *waits = child->private_.child.by.waits;

	if (child->private_.child.process <= 0)
		iv_fatal("iv_wait_interest_unregister: the object is not "
			 "registered; register it first");
	if (!(child->private_.child.state & IV__WAIT_ATTACHED)) {
		iv_timer_unregister(&child->private_.child.by.retry);
	} else if (loop->shared == NULL ||
		   waits != ((struct iv__shared *)loop->shared)->waits) {
		iv_fatal("iv_wait_interest_unregister: the object belongs to "
			 "another thread's loop; make this call there");
	} else {
		iv_list_del_init(&child->private_.child.list);
		iv__pidfd_close(child);
		iv__wait_release(waits);
	}
	child->private_.child.process = 0;
}
