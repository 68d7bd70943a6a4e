/* SPDX-License-Identifier: MIT */
/*
 * signal.c - call a function on a loop when a signal arrives
 *
 * For each signal number there is one line of interests, in the order in
 * which they are served: exclusive ones first, then by the address of the
 * program's object. The signal handler walks the line without a lock and
 * posts the events of those it concerns; who may free what it walks over,
 * and when, is in grace.h.
 *
 *	lines[SIGHUP].first -> interest -> interest -> NULL
 *	                          |           |
 *	                       iv_signal   iv_signal, of another thread
 *
 * Interests are the library's memory: a thread that ends with its objects
 * registered takes them away with its stack. Each belongs to one set, and a
 * signal concerns one set: that of the receiving thread when it has any, or
 * else that of the process; and the library's own besides.
 *
 * A forked child starts with empty lines. What it inherits is never served
 * again and waits to be unregistered.
 *
 * Key: m iv__lock(), o owner thread's only, a atomic, c constant once linked.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "annotate.h"
#include "grace.h"
#include "lock.h"
#include "shared.h"
#include "signal_own.h"

struct interest {
	struct iv_list_head list;	 /* o: in shared->signals */
	_Atomic(struct interest *) next; /* a, written by m */
	const void *set;		 /* c: whose signals it wants */
	bool exclusive;			 /* c */
	int signum;			 /* c */
	struct iv_signal *signal;	 /* c: the program's object */
	struct iv_event event;		 /* its own protocol */
	struct iv__loop *loop;		 /* c */
	bool inherited;			 /* o: the parent process's */
};

struct line {
	_Atomic(struct interest *) first; /* a, written by m */
	int num;			  /* m: not unregistered yet */
	bool caught;			  /* m: our handler is installed */
};

static struct line lines[_NSIG];

/* Whose lines these are: in a vforked child they are in the parent's memory. */
static atomic_int process;

/* Sets, beside that of a thread, which is known by its loop. */
static const char of_process, of_library;

/* The signal handler ******************************************************/

/* The interest that *@link names; readers are inside the grace period. */
static struct interest *
follow(struct line *line, _Atomic(struct interest *) *link)
{
	struct interest *interest = atomic_load(link);

	/* With the before of link_in(). */
	iv__hb_after(line);

	return interest;
}

static bool has_any(struct line *line, const void *set)
{
	struct interest *i;

	for (i = follow(line, &line->first); i != NULL;
	     i = follow(line, &i->next)) {
		if (i->set == set)
			return true;
	}

	return false;
}

/* Serve @set: its first when that is exclusive, else all. */
static void
serve(struct line *line, const void *set, void (*post)(struct iv_event *event))
{
	struct interest *i;

	for (i = follow(line, &line->first); i != NULL;
	     i = follow(line, &i->next)) {
		if (i->set != set)
			continue;
		post(&i->event);
		if (i->exclusive)
			return;
	}
}

/*
 * Runs with all signals blocked, on any thread of the process. A thread that
 * lets itself be cancelled anywhere, in here too, would be counted as a reader
 * for ever.
 */
static void got_signal(int signum)
{
	struct line *line = &lines[signum];
	int saved_errno = errno;
	const void *set = &of_process;
	unsigned int entered;
	int cancel_state;

	if (getpid() != atomic_load(&process))
		return;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	entered = iv__grace_enter();
	if (iv__self != NULL && has_any(line, iv__self))
		set = iv__self;
	serve(line, set, iv__event_post_in_signal);
	serve(line, &of_library, iv__event_post_in_signal);
	iv__grace_leave(entered);
	pthread_setcancelstate(cancel_state, NULL);

	errno = saved_errno;
}

static int set_action(int signum, void (*handler)(int signum))
{
	struct sigaction action = {
		.sa_handler = handler,
		.sa_flags = SA_RESTART | SA_ONSTACK,
	};

	sigfillset(&action.sa_mask);

	return sigaction(signum, &action, NULL);
}

/* Lines *******************************************************************/

static bool comes_before(const struct interest *a, const struct interest *b)
{
	if (a->exclusive != b->exclusive)
		return a->exclusive;

	return a->signal < b->signal;
}

static void link_in(struct line *line, struct interest *interest)
{
	_Atomic(struct interest *) *link = &line->first;

	while (*link != NULL && comes_before(*link, interest))
		link = &(*link)->next;
	atomic_init(&interest->next, *link);
	iv__hb_before(line);
	atomic_exchange(link, interest);
}

/* When this returns no signal handler refers to it any more. */
static void unlink_from(struct line *line, struct interest *interest)
{
	_Atomic(struct interest *) *link = &line->first;

	while (*link != interest)
		link = &(*link)->next;
	atomic_exchange(link, interest->next);
	iv__grace_wait();
}

/* 0, or -1 with errno set. Linked first: no signal then finds nobody. */
static int add(struct interest *interest)
{
	struct line *line = &lines[interest->signum];
	int ret = 0;

	iv__lock();
	atomic_exchange(&process, getpid());
	link_in(line, interest);
	if (!line->caught)
		ret = set_action(interest->signum, got_signal);
	if (ret == 0) {
		line->caught = true;
		line->num++;
	} else {
		unlink_from(line, interest);
	}
	iv__unlock();

	return ret;
}

static void take_out(struct interest *interest)
{
	struct line *line = &lines[interest->signum];

	iv__lock();
	if (!interest->inherited) {
		unlink_from(line, interest);
		/* Taken but not handled: the next in line get it. */
		if (interest->exclusive &&
		    iv__event_is_posted(&interest->event))
			serve(line, interest->set, iv_event_post);
	}

	line->num--;
	if (line->num == 0 && line->caught) {
		set_action(interest->signum, SIG_DFL);
		line->caught = false;
	}
	iv__unlock();
}

/* Forks *******************************************************************/

/*
 * The forking thread may go on with its loop and unregister what it has. What
 * other threads had is let lie, but where leak checkers see it.
 */
void iv__signal_forked(void)
{
	static struct interest *lost;
	int signum;

	for (signum = 1; signum < _NSIG; signum++) {
		struct line *line = &lines[signum];
		struct interest *i = atomic_exchange(&line->first, NULL);
		struct interest *next;

		for (; i != NULL; i = next) {
			next = i->next;
			i->inherited = true;
			if (i->loop == iv__self)
				continue;
			atomic_exchange(&i->next, lost);
			lost = i;
			line->num--;
		}
	}

	iv__grace_forked();
}

void iv__signal_reset(void)
{
	int signum;

	for (signum = 1; signum < _NSIG; signum++) {
		if (lines[signum].caught)
			set_action(signum, SIG_DFL);
		lines[signum].caught = false;
	}
}

/* Interests ***************************************************************/

/* The object may unregister itself, and then the interest is gone. */
static void run_handler(void *cookie)
{
	const struct interest *interest = cookie;
	const struct iv_signal *signal = interest->signal;

	/* Taken before the fork, it is the parent's to handle. */
	if (!interest->inherited)
		signal->handler(signal->cookie);
}

static struct interest *
make(struct iv__loop *loop, struct iv_signal *signal, const void *set)
{
	struct interest *interest = calloc(1, sizeof(*interest));

	if (interest == NULL)
		return NULL;

	interest->set = set;
	interest->exclusive = signal->flags & IV_SIGNAL_FLAG_EXCLUSIVE;
	interest->signum = signal->signum;
	interest->signal = signal;
	interest->loop = loop;
	interest->event.cookie = interest;
	interest->event.handler = run_handler;

	return interest;
}

static void drop(struct interest *interest)
{
	take_out(interest);
	iv_list_del_init(&interest->list);
	iv_event_unregister(&interest->event);
	free(interest);
}

/* The C library knows its own signals; add() finds what cannot be caught. */
static bool is_signal(int signum)
{
	struct sigaction action;

	return sigaction(signum, NULL, &action) == 0;
}

static int error_of(int signum)
{
	return is_signal(signum) ? iv__lock_error() : EINVAL;
}

static int
register_in(struct iv__loop *loop, struct iv_signal *signal, const void *set)
{
	struct iv__shared *shared;
	struct interest *interest;
	int error;

	error = error_of(signal->signum);
	if (error != 0) {
		errno = error;
		return -1;
	}

	shared = iv__shared_get(loop);
	if (shared == NULL)
		return -1;

	interest = make(loop, signal, set);
	if (interest == NULL)
		return -1;

	if (iv_event_register(&interest->event) < 0)
		goto err_interest;
	if (add(interest) < 0)
		goto err_event;
	iv_list_add(&interest->list, &shared->signals);

	return 0;

err_event:
	iv_event_unregister(&interest->event);
err_interest:
	free(interest);

	return -1;
}

IV__PUBLIC int iv_signal_register(struct iv_signal *signal)
{
	struct iv__loop *loop = iv__loop_self("iv_signal_register");
	const void *set = &of_process;

	if (signal->flags & IV_SIGNAL_FLAG_THIS_THREAD)
		set = loop;

	return register_in(loop, signal, set);
}

int iv__signal_register_own(struct iv_signal *signal)
{
	return register_in(iv__loop_self("iv_signal_register"), signal,
			   &of_library);
}

IV__PUBLIC void iv_signal_unregister(struct iv_signal *signal)
{
	struct iv__loop *loop = iv__loop_self("iv_signal_unregister");
	struct iv__shared *shared = loop->shared;
	struct iv_list_head *lh;

	if (shared != NULL) {
		iv_list_for_each (lh, &shared->signals) {
			struct interest *interest =
				iv_container_of(lh, struct interest, list);

			if (interest->signal == signal) {
				drop(interest);
				return;
			}
		}
	}

	iv_fatal("iv_signal_unregister: the object is not registered with this "
		 "thread's loop; make this call once, in the thread that "
		 "registered it");
}

void iv__signal_let_go(struct iv__shared *shared)
{
	while (!iv_list_empty(&shared->signals))
		drop(iv_container_of(shared->signals.next, struct interest,
				     list));
}
