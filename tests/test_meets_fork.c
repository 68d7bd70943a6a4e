/* SPDX-License-Identifier: MIT */
/*
 * test_meets_fork.c - forks that meet other operations
 *
 * Of the same thread, in a handler, and of other threads, round by round.
 */
#include <signal.h>
#include <unistd.h>
#include <iv_loop.h>
#include "fork_bed.h"

/* Posts and signals *******************************************************/

enum { MAX_MANY = 1000 };

/* So many that a fork comes between the steps of a post now and then. */
static struct many {
	struct iv_event event;
	iv_event_handle handle;
	atomic_int num_posted;
	int seen;
	bool called;
} many[MAX_MANY];
static int num_many;
static int num_called;

static void be_called(void *cookie)
{
	struct many *one = cookie;

	one->seen = atomic_load(&one->num_posted);
	num_called += !one->called;
	one->called = true;
	if (num_called == num_many)
		iv_quit();
}

static void post_to(struct many *one)
{
	atomic_fetch_add(&one->num_posted, 1);
	MUST(iv_event_handle_post(one->handle) == 0);
}

/* Without a fault at the next page the fork stops us between any two steps. */
static void touch_many(void)
{
	const iv_event_handle later = (iv_event_handle)1 << 32;
	int i;

	for (i = 0; i < num_many; i++)
		MUST(iv_event_handle_post(many[i].handle + later) == -ENOENT);
}

static void *post_to_many(void *arg)
{
	int i;
	int j;

	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		touch_many();
		aim_wait(&aim);
		for (j = 0; j < num_many; j++) {
			post_to(&many[j]);
			atomic_store(&aim.num_done, j + 1);
		}
		meet(&meeting);
	}

	return arg;
}

/* What was posted before, or in between, comes too. */
static void post_and_have_all_called(void)
{
	int i;

	num_called = 0;
	for (i = 0; i < num_many; i++) {
		many[i].called = false;
		post_to(&many[i]);
	}
	run_until_quit("a post to each event");
	assert_int_equal(num_called, num_many);
}

static int use_many(void *arg)
{
	(void)arg;
	tell_parent();
	post_and_have_all_called();
	post_and_have_all_called();
	leave_child(0);
}

static void posts_by_handle_meet_forks(void **state)
{
	pthread_t poster;
	int i;
	int j;

	(void)state;
	open_own(2, 200, 4);
	aim_at_forks();
	num_many = rounds_of(MAX_MANY, 20);
	for (j = 0; j < num_many; j++)
		many[j].handle =
			open_handle(&many[j].event, be_called, &many[j]);
	poster = start_thread(post_to_many, NULL);
	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		in_child(use_many, NULL);
		meet(&meeting);
		aim_correct(&aim, atomic_load(seen_in_child), num_many);
		post_and_have_all_called();
		for (j = 0; j < num_many; j++)
			assert_int_equal(many[j].seen, many[j].num_posted);
	}
	join_thread(poster);
	for (j = 0; j < num_many; j++)
		iv_event_unregister(&many[j].event);
	close_own();
}

static pthread_t main_thread;

static void post_in_handler(int signum)
{
	(void)signum;
	atomic_fetch_add(&num_posted, 1);
	MUST(iv_event_handle_post(own_handle) == 0);
}

static void *send_signals(void *arg)
{
	int i;
	int j;

	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		for (j = 0; j < 20; j++) {
			MUST(pthread_kill(main_thread, SIGUSR1) == 0);
			sched_yield();
		}
		meet(&meeting);
	}

	return arg;
}

static int get_signals(void *arg)
{
	signal(SIGUSR1, SIG_IGN);
	seen = 0;
	while (seen != atomic_load(&num_posted)) {
		MUST(iv_event_handle_post(own_handle) == 0);
		run_until_quit("a post of the child");
	}

	return use_own_loop(arg);
}

static void signals_meet_forks(void **state)
{
	struct sigaction action = {
		.sa_handler = post_in_handler,
		.sa_flags = SA_RESTART,
	};

	(void)state;
	open_own(2, 100, 6);
	main_thread = pthread_self();
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	fork_beside(send_signals, get_signals);
	close_own();
}

/* Ends of registrations and waits *****************************************/

static _Atomic(iv_event_handle) latest;

static void *register_and_unregister(void *arg)
{
	struct iv_event brief;
	int i;
	int j;

	iv_init();
	atomic_store(&latest, open_handle(&brief, never_called, NULL));
	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		for (j = 0; j < 50; j++) {
			iv_event_unregister(&brief);
			atomic_store(&latest,
				     open_handle(&brief, never_called, NULL));
		}
		meet(&meeting);
	}
	iv_event_unregister(&brief);
	iv_deinit();

	return arg;
}

/* Whether it was there at the fork or not. */
static int miss_the_latest(void *arg)
{
	struct iv_event more[4];
	int i;

	MUST(iv_event_handle_post(atomic_load(&latest)) == -ENOENT);
	for (i = 0; i < 4; i++)
		open_handle(&more[i], never_called, NULL);
	MUST(iv_event_handle_post(atomic_load(&latest)) == -ENOENT);
	for (i = 0; i < 4; i++)
		iv_event_unregister(&more[i]);

	return use_own_loop(arg);
}

static void unregistering_meets_forks(void **state)
{
	(void)state;
	open_own(2, 100, 6);
	fork_beside(register_and_unregister, miss_the_latest);
	close_own();
}

static iv_loop_id main_id;

static void *join_for_a_moment(void *arg)
{
	int ret;
	int i;

	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		MUST(iv_loop_join(main_id, 100000) == -ETIMEDOUT);
	}
	meet(&meeting);
	ret = iv_loop_join(main_id, -1);
	MUST(ret == 0 || ret == -ESRCH);

	return arg;
}

static void *join_to_the_end(void *arg)
{
	int ret = iv_loop_join(main_id, -1);

	MUST(ret == 0 || ret == -ESRCH);

	return arg;
}

/* The end of the child's copy is told to nobody in the parent. */
static int end_own_loop(void *arg)
{
	MUST(iv_loop_self() == main_id);

	return use_own_loop(arg);
}

static void joins_meet_forks(void **state)
{
	pthread_t joiners[2];
	int i;

	(void)state;
	open_own(2, 100, 6);
	main_id = iv_loop_self();
	joiners[0] = start_thread(join_for_a_moment, NULL);
	joiners[1] = start_thread(join_to_the_end, NULL);
	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		in_child(end_own_loop, NULL);
	}
	meet(&meeting);
	close_own();
	join_thread(joiners[0]);
	join_thread(joiners[1]);
}

/* Forks in handlers *******************************************************/

static pid_t forked;

static void assert_child_left(void)
{
	int status;

	assert_true(forked > 0);
	assert_int_equal(waitpid(forked, &status, 0), forked);
	assert_int_equal(status, 0);
}

static void quit_and_fork(void *cookie)
{
	(void)cookie;
	note("before");
	iv_quit();
	forked = fork();
	note("behind");
}

static void a_quit_ahead_of_a_fork_counts_in_both(void **state)
{
	struct iv_event event;

	(void)state;
	open_own(1, 1, 1);
	open_event(&event, quit_and_fork, NULL);
	iv_event_post(&event);
	run_until_quit("its quit");
	assert_noted("before behind");
	if (forked == 0)
		leave_child(0);
	assert_child_left();
	iv_event_unregister(&event);
	close_own();
}

static void unregister_fork_free(void *cookie)
{
	iv_event_unregister(cookie);
	forked = fork();
	memset(cookie, 0xa5, sizeof(struct iv_event));
	free(cookie);
	iv_event_handle_post(own_handle);
}

static void what_a_handler_frees_at_a_fork_is_gone_in_both(void **state)
{
	struct iv_event *event = malloc(sizeof(*event));
	iv_event_handle handle;

	(void)state;
	assert_non_null(event);
	open_own(1, 1, 1);
	handle = open_handle(event, unregister_fork_free, event);
	assert_int_equal(iv_event_handle_post(handle), 0);
	run_until_quit("the other event");
	assert_int_equal(iv_event_handle_post(handle), -ENOENT);
	if (forked == 0)
		use_own_loop(NULL);
	assert_child_left();
	close_own();
}

/* Forks at the same time **************************************************/

struct forker {
	pthread_t thread;
	struct forker *other;
	struct iv_event event;
	iv_event_handle handle;
	iv_loop_id id;
};

static struct forker forkers[2];
static pthread_barrier_t both_open;

static void be_child(struct forker *self)
{
	struct iv_event more;

	MUST(iv_event_handle_post(self->other->handle) == -ENOENT);
	MUST(iv_loop_call(self->other->id, quit, NULL, NULL) == -ESRCH);
	MUST(iv_loop_count() == 1 && iv_loop_next(0) == self->id);
	MUST(iv_event_handle_post(self->handle) == 0);
	iv_main();
	MUST(iv_event_handle_post(open_handle(&more, quit, NULL)) == 0);
	iv_main();
	leave_child(0);
}

static void *fork_often(void *arg)
{
	struct forker *self = arg;
	int status;
	pid_t pid;
	int i;

	iv_init();
	self->id = iv_loop_self();
	self->handle = open_handle(&self->event, quit, NULL);
	pthread_barrier_wait(&both_open);
	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		pid = fork();
		if (pid == 0)
			be_child(self);
		MUST(waitpid(pid, &status, 0) == pid && status == 0);
	}
	meet(&meeting);
	MUST(iv_event_handle_post(self->handle) == 0);
	iv_main();
	iv_event_unregister(&self->event);
	iv_deinit();

	return NULL;
}

static void forks_meet_forks(void **state)
{
	int i;

	(void)state;
	pthread_barrier_init(&both_open, NULL, 2);
	meeting.num = 2;
	num_rounds = rounds_of(100, 6);
	for (i = 0; i < 2; i++) {
		forkers[i].other = &forkers[1 - i];
		forkers[i].thread = start_thread(fork_often, &forkers[i]);
	}
	for (i = 0; i < 2; i++)
		join_thread(forkers[i].thread);
	pthread_barrier_destroy(&both_open);
}

static const struct test_case cases[] = {
	TEST(posts_by_handle_meet_forks),
	TEST(signals_meet_forks),
	TEST(unregistering_meets_forks),
	TEST(joins_meet_forks),
	TEST(a_quit_ahead_of_a_fork_counts_in_both),
	TEST(what_a_handler_frees_at_a_fork_is_gone_in_both),
	TEST(forks_meet_forks),
};

TEST_MAIN(cases)
