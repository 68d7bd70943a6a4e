/* SPDX-License-Identifier: MIT */
/*
 * waits.h - what the files of iv_wait share
 *
 * A loop looks after its own children: wait4(2) for one pid at a time, in the
 * thread that registered it. There is nothing that loops share, and a status
 * that nobody has asked for yet waits where it is safest, in the kernel.
 *
 * Reasons to look:
 *
 *	SIGCHLD                                       at all children
 *	its pidfd is readable                         at this one
 *	just registered, or a status has been found
 *	and there may be another                      at this one, by a task
 *
 * A pidfd makes an exit known without SIGCHLD, and makes kill safe where other
 * code waits for our children; where it cannot be had the child does without.
 * A loop that cannot get SIGCHLD looks at the child by a timer, and asks for
 * SIGCHLD again each time.
 *
 * A pid is free for reuse once wait4() has returned its end, and
 * iv_wait_interest_kill() may run in any thread. So both stand under
 * iv__lock(): no kill between that wait4() and the mark that it leaves.
 *
 * Key: o owner thread's only, c constant while registered, m written by the
 * owner under iv__lock(). In a child's private words: state and pidfd m, the
 * process c, all else o.
 */
#ifndef IV__WAITS_H
#define IV__WAITS_H

#include <iv_wait.h>
#include "../runtime/loop.h"
#include "signal_own.h"

/* In state, m: the loop looks after it; its end has been seen. */
enum { IV__WAIT_ATTACHED = 1, IV__WAIT_ENDED = 2 };

/* What a loop has for its children; a child not ended is in one list. */
struct iv__waits {
	struct iv_signal sigchld;    /* o: registered while num > 0 */
	int num;		     /* o: children, and spawns under way */
	struct iv_list_head known;   /* o: nothing new to be expected */
	struct iv_list_head look_at; /* o: to be looked at */
	struct iv_list_head batch;   /* o: being looked at */
	struct iv_task look;	     /* o: registered while look_at has any */
	struct iv_list_head pidfds;  /* o */
};

struct iv__pidfd {
	struct iv_list_head list;	/* o: in waits->pidfds */
	struct iv_fd fd;		/* o, but fd.fd: c */
	struct iv_wait_interest *child; /* c */
};

/* wait.c */

/* One user more of @loop's, or NULL with errno set; and one less. */
struct iv__waits *iv__wait_hold(struct iv__loop *loop);
void iv__wait_release(struct iv__waits *waits);

/* Not to be trusted before: its private words. */
void iv__wait_begin(struct iv_wait_interest *child);

/* From now on the loop looks after it, for which it was held once. */
void iv__wait_attach(struct iv__waits *waits, struct iv_wait_interest *child);

/* Call the handler if there is a status; then @child may be gone. */
void iv__wait_look(struct iv_wait_interest *child);

/* wait_pidfd.c */

/* Whatever is missing for it, the child does without. */
void iv__pidfd_open(struct iv__waits *waits, struct iv_wait_interest *child);

/* Only when no other thread can be killing it: it has ended, or we do. */
void iv__pidfd_close(struct iv_wait_interest *child);

/* All that a closing loop still has. */
void iv__pidfds_let_go(struct iv__waits *waits);

#endif
