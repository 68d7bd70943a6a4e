/* SPDX-License-Identifier: MIT */
/*
 * loop.c - opening, running and closing a thread's loop
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "backend.h"
#include "loop.h"

/* As many descriptors as a process may ask for without being asked. */
enum { MAX_DESCRIPTORS = 131072 };

/* How often a loop may go without a look at the kernel. */
enum { MAX_SKIPPED = 15 };

_Thread_local struct iv__loop *iv__self;

static pthread_once_t process_once = PTHREAD_ONCE_INIT;
static pthread_key_t close_at_exit;
static int load_error;

/* NULL: nobody in this program asks for them. Written once. */
static _Atomic(const struct iv__process_hooks *) process_hooks;

static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	struct rlimit wanted = { MAX_DESCRIPTORS, MAX_DESCRIPTORS };

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur >= MAX_DESCRIPTORS)
		return;

	/* Raising the hard limit takes privilege; then use all there is. */
	if (limit.rlim_max > MAX_DESCRIPTORS)
		wanted.rlim_max = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &wanted) < 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void close_loop_at_exit(void *loop)
{
	iv__loop_close(loop);
}

/* The child shares epoll sets and wakers with its parent: hands off. */
static void note_fork(void)
{
	if (iv__self == NULL)
		return;

	/* Nobody here has to wake it, by what would wake the parent's. */
	iv__loop_wake_up(iv__self);
	iv__self->forked = true;
}

/*
 * What every thread reads is made before there is a second one; in a program
 * linked with the static library, ahead of its own constructors.
 */
__attribute__((constructor(101))) static void load(void)
{
	load_error = pthread_key_create(&close_at_exit, close_loop_at_exit);
	if (load_error == 0)
		load_error = pthread_atfork(NULL, NULL, note_fork);
}

void iv__loop_set_process_hooks(const struct iv__process_hooks *hooks)
{
	atomic_exchange(&process_hooks, hooks);
}

/* 0, or -errno of the hook. */
static int tell_opened(struct iv__loop *loop)
{
	const struct iv__process_hooks *hooks = atomic_load(&process_hooks);

	return hooks != NULL ? hooks->opened(loop) : 0;
}

static void tell_closing(struct iv__loop *loop)
{
	if (loop->id != 0)
		atomic_load(&process_hooks)->closing(loop);
}

static void tell_closed(struct iv__loop *loop)
{
	if (loop->last_id != 0)
		atomic_load(&process_hooks)->closed(loop);
}

static void process_init(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGURG, SIG_IGN);
	raise_descriptor_limit();
	iv__tls_freeze();
}

/* Tells whose an object is: never 0, and not soon the same again. */
static unsigned int next_tag(void)
{
	static atomic_uint last;
	unsigned int tag;

	do {
		tag = atomic_fetch_add_explicit(&last, 1,
						memory_order_relaxed) +
		      1;
		tag &= IV__MAX_TAG;
	} while (tag == 0);

	return tag;
}

static struct iv__loop *allocate(void)
{
	struct iv__loop *loop;

	loop = calloc(1, sizeof(*loop));
	if (loop == NULL)
		return NULL;

	INIT_IV_LIST_HEAD(&loop->dirty);
	INIT_IV_LIST_HEAD(&loop->ready);
	INIT_IV_LIST_HEAD(&loop->tasks);
	INIT_IV_LIST_HEAD(&loop->tasks_later);
	loop->tag = next_tag();
	iv__timer_queue_init(&loop->timers);

	return loop;
}

/* All that may fail but its memory. */
static int open_parts(struct iv__loop *loop)
{
	int ret;

	ret = iv__tls_open(loop);
	if (ret < 0)
		return ret;
	ret = -pthread_setspecific(close_at_exit, loop);
	if (ret < 0)
		goto err_tls;
	loop->spin_max_ns = iv__loop_spin_default_ns();
	ret = iv__backend_open(loop);
	if (ret < 0)
		goto err_key;
	ret = tell_opened(loop);
	if (ret < 0)
		goto err_backend;

	return 0;

err_backend:
	loop->backend->close(loop);
err_key:
	pthread_setspecific(close_at_exit, NULL);
err_tls:
	iv__tls_close(loop);

	return ret;
}

int iv__loop_open(void)
{
	struct iv__loop *loop;
	int ret;

	if (load_error != 0)
		return -load_error;
	pthread_once(&process_once, process_init);

	loop = allocate();
	if (loop == NULL)
		return -ENOMEM;

	ret = open_parts(loop);
	if (ret < 0) {
		free(loop);
		return ret;
	}
	iv__self = loop;
	iv__tls_start(loop);

	return 0;
}

/* By the backend's own way, or by a descriptor that it watches. */
static int open_waker(struct iv__loop *loop)
{
	const struct iv__backend *backend = loop->backend;
	int ret;

	if (backend->open_waker != NULL && !iv__waker_wants_pipe())
		return backend->open_waker(loop);

	ret = iv__waker_open(&loop->waker);
	if (ret < 0)
		return ret;

	ret = backend->watch_waker(loop);
	if (ret < 0)
		iv__waker_close(&loop->waker);

	return ret;
}

void iv__loop_reopen(struct iv__loop *loop)
{
	int ret;

	loop->forked = false;
	ret = loop->backend->reopen(loop);
	if (ret == 0 && loop->hooks != NULL) {
		iv__waker_close(&loop->waker);
		ret = open_waker(loop);
	}
	if (ret < 0)
		iv_fatal("ivykis: a forked child cannot reopen its loop: %s",
			 strerror(-ret));

	if (loop->hooks != NULL)
		loop->hooks->reopened(loop);
}

IV__PUBLIC void iv_init(void)
{
	int ret;

	if (iv__self != NULL)
		iv_fatal("iv_init: this thread has a loop already; call it "
			 "once, or iv_deinit() between");

	ret = iv__loop_open();
	if (ret < 0)
		iv_fatal("iv_init: no loop can be opened: %s", strerror(-ret));
}

IV__PUBLIC int iv_inited(void)
{
	return iv__self != NULL;
}

void iv__loop_unwound(struct iv__loop *loop)
{
	loop->depth = 0;
	loop->dispatching = NULL;
	iv__loop_wake_up(loop);
}

/* The order matters: states and hooks may still use the whole loop. */
void iv__loop_close(struct iv__loop *loop)
{
	int cancel_state;

	/* Half a close would be worse than a late cancellation. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	iv__loop_unwound(loop);
	loop->closing = true;
	iv__tls_stop(loop);
	tell_closing(loop);
	if (loop->hooks != NULL) {
		/* A child closes its copies; nobody there owes it a wake. */
		if (loop->forked)
			loop->hooks->reopened(loop);
		loop->hooks->close(loop);
		iv__waker_close(&loop->waker);
	}

	loop->backend->close(loop);
	iv__timer_queue_destroy(&loop->timers);
	iv__tls_close(loop);
	pthread_setspecific(close_at_exit, NULL);
	iv__self = NULL;
	tell_closed(loop);
	free(loop);
	pthread_setcancelstate(cancel_state, NULL);
}

IV__PUBLIC void iv_deinit(void)
{
	struct iv__loop *loop = iv__loop_self("iv_deinit");

	if (loop->depth > 0 || loop->closing || loop->lent)
		iv_fatal("iv_deinit: called inside a callback; call iv_quit() "
			 "there and iv_deinit() after iv_main() has returned");

	iv__loop_close(loop);
}

int64_t iv__loop_time_to_sleep_ns(const struct iv__loop *loop)
{
	uint64_t due_ns;
	uint64_t now_ns;

	if (!iv_list_empty(&loop->tasks))
		return 0;
	if (!iv__timer_queue_earliest(&loop->timers, &due_ns))
		return -1;

	/* Handlers took time: the cached clock would have us oversleep. */
	now_ns = iv__clock_ns();
	if (due_ns <= now_ns)
		return 0;

	due_ns -= now_ns;

	return due_ns < INT64_MAX ? (int64_t)due_ns : INT64_MAX;
}

/*
 * What other threads sent while we got ready to sleep is handled at once,
 * without a look at the kernel between, which costs more than most of what is
 * sent; but so few times and for so short a time that descriptors get their
 * turn however much is sent.
 */
static bool may_skip_wait(struct iv__loop *loop)
{
	uint64_t now_ns = iv__clock_ns();

	if (loop->num_skipped == 0)
		loop->skipping_since_ns = now_ns;
	else if (loop->num_skipped == MAX_SKIPPED ||
		 now_ns - loop->skipping_since_ns > IV__MAX_SKIPPING_NS)
		return false;

	loop->num_skipped++;

	return true;
}

/*
 * Always inlined, for behind a system call each return is a mispredicted jump
 * on processors that guard their stack of return addresses.
 */
static inline __attribute__((always_inline)) void
wait_for_kernel(struct iv__loop *loop, int64_t timeout_ns)
{
	iv__fds_flush(loop);
	loop->now_valid = false;
	if (timeout_ns != 0 && loop->hooks != NULL) {
		iv__loop_wake_up(loop);
		if (loop->spin_max_ns > 0 && iv__loop_spin(loop, &timeout_ns))
			return;
	}
	if (timeout_ns != 0 && loop->hooks != NULL) {
		loop->asleep = loop->hooks->before_sleep(loop);
		if (!loop->asleep && may_skip_wait(loop))
			return;
		if (!loop->asleep)
			timeout_ns = 0;
	}

	loop->num_skipped = 0;
	loop->backend->wait(loop, timeout_ns);
	iv__loop_wake_up(loop);
}

static void dispatch(struct iv__loop *loop)
{
	iv__fds_dispatch(loop);
	if (loop->hooks != NULL)
		loop->hooks->dispatch(loop);
}

void iv__loop_run_due(struct iv__loop *loop)
{
	loop->depth++;
	iv__timers_run(loop);
	iv__tasks_run(loop);
	loop->depth--;
}

/*
 * A loop that is told to end in order runs on until that is done, but nested
 * levels return at once, as from a stop.
 */
__attribute__((cold)) bool iv__loop_quits(struct iv__loop *loop, bool outermost)
{
	bool quits;

	if ((loop->quit & IV__QUIT_END) == 0 || !outermost)
		return true;

	/* It may call handlers. */
	loop->depth++;
	quits = !loop->hooks->goes_on(loop);
	loop->depth--;

	return quits;
}

void iv__loop_run(struct iv__loop *loop)
{
	loop->depth++;
	for (;;) {
		iv__timers_run(loop);
		iv__tasks_run(loop);
		if (loop->quit ? iv__loop_quits(loop, loop->depth == 1)
			       : loop->numobjs == 0)
			break;

		wait_for_kernel(loop, iv__loop_time_to_sleep_ns(loop));
		dispatch(loop);
	}
	loop->depth--;
}

/*
 * The wait comes first: what a handler has changed is seen by the caller
 * before the next one, which might otherwise be for ever.
 */
void iv__loop_turn(struct iv__loop *loop, int64_t timeout_ns)
{
	int64_t due_ns = iv__loop_time_to_sleep_ns(loop);

	if (due_ns >= 0 && (timeout_ns < 0 || due_ns < timeout_ns))
		timeout_ns = due_ns;
	if (loop->depth == 0)
		loop->quit = loop->stopped;
	loop->depth++;
	wait_for_kernel(loop, timeout_ns);
	dispatch(loop);
	loop->depth--;
	iv__loop_run_due(loop);
}

IV__PUBLIC void iv_main(void)
{
	struct iv__loop *loop = iv__loop_self("iv_main");

	/* Lost also inside a callback; what ends this level ends the outer. */
	loop->quit = loop->stopped;

	iv__loop_run(loop);
}

IV__PUBLIC void iv_quit(void)
{
	iv__loop_self("iv_quit")->quit |= IV__QUIT;
}

IV__PUBLIC const char *iv_poll_method_name(void)
{
	if (iv__self != NULL)
		return iv__self->backend->name;

	return iv__backend_first_name();
}

int iv__loop_attach(struct iv__loop *loop, const struct iv__hooks *hooks,
		    void *shared)
{
	int ret;

	if (loop->forked)
		iv__loop_reopen(loop);

	ret = open_waker(loop);
	if (ret < 0)
		return ret;

	loop->hooks = hooks;
	loop->shared = shared;

	return 0;
}
