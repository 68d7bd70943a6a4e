/* SPDX-License-Identifier: MIT */
/*
 * wake.c - loops woken by other threads and by signals
 */
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include <iv_signal.h>
#include <iv_work.h>
#include "suite.h"

static struct probe probe;

static void register_event(struct iv_event *event, void (*handler)(void *))
{
	event->cookie = event;
	event->handler = handler;
	assert_int_equal(iv_event_register(event), 0);
}

static void *post(void *event)
{
	iv_event_post(event);

	return NULL;
}

/* Posts *******************************************************************/

static struct iv_event event;
static int calls;

static void count_and_quit(void *cookie)
{
	(void)cookie;
	calls++;
	iv_quit();
}

/* Mostly the post comes while the loop waits for ever, sometimes before. */
static void a_post_ends_the_wait(void **state)
{
	int i;

	(void)state;
	iv_init();
	register_event(&event, count_and_quit);
	for (i = 0; i < 50; i++) {
		pthread_t thread = start_thread(post, &event);

		run_until_quit("a post");
		join_thread(thread);
		assert_int_equal(calls, i + 1);
	}
	expect_idle();
	assert_int_equal(calls, 50);
	iv_event_unregister(&event);
	iv_deinit();
}

static void a_post_made_before_is_not_lost(void **state)
{
	(void)state;
	iv_init();
	register_event(&event, count_and_quit);
	in_thread(post, &event);
	in_thread(post, &event);
	run_until_quit("a post");
	assert_int_equal(calls, 1);
	expect_idle();
	assert_int_equal(calls, 1);
	iv_event_unregister(&event);
	iv_deinit();
}

/* Several posters, a loop that mostly sleeps ******************************/

enum { NUM_POSTERS = 3 };

static struct iv_event events[NUM_POSTERS];
static atomic_int sent[NUM_POSTERS];
static int seen[NUM_POSTERS];
static int num_posts, num_done;

static void see(void *cookie)
{
	int i = (int)((struct iv_event *)cookie - events);
	bool done = seen[i] == num_posts;

	/* The last post may cause a call that has nothing left to see. */
	seen[i] = atomic_load(&sent[i]);
	if (!done && seen[i] == num_posts && ++num_done == NUM_POSTERS)
		iv_quit();
}

static void *send_many(void *cookie)
{
	struct iv_event *to = cookie;
	int i;

	for (i = 0; i < num_posts; i++) {
		atomic_fetch_add(&sent[to - events], 1);
		iv_event_post(to);
	}

	return NULL;
}

static void run_posters(void)
{
	pthread_t threads[NUM_POSTERS];
	int i;

	num_posts = scaled(10000);
	for (i = 0; i < NUM_POSTERS; i++)
		register_event(&events[i], see);
	for (i = 0; i < NUM_POSTERS; i++)
		threads[i] = start_thread(send_many, &events[i]);
	run_until_quit("the last of the posts");
	for (i = 0; i < NUM_POSTERS; i++) {
		join_thread(threads[i]);
		assert_int_equal(seen[i], num_posts);
		iv_event_unregister(&events[i]);
	}
}

static void several_posters_lose_nothing(void **state)
{
	(void)state;
	iv_init();
	run_posters();
	iv_deinit();
}

static void several_posters_beside_a_ready_descriptor(void **state)
{
	(void)state;
	iv_init();
	probe_socket(&probe);
	put_byte(probe.far);
	probe_register(&probe, IN | OUT);
	run_posters();
	run_rounds(1);
	assert_true(probe.in > 0);
	assert_int_equal(probe.in, probe.out);
	probe_close(&probe);
	iv_deinit();
}

/* Two loops that wake each other: one wake lost and both sleep. */
struct player {
	struct iv_event event;
	struct player *other;
	int left;
};

static struct player players[2];

static void return_ball(void *cookie)
{
	struct player *player = cookie;

	if (--player->left == 0)
		iv_quit();
	iv_event_post(&player->other->event);
}

static pthread_barrier_t both;

static void *play(void *arg)
{
	struct player *player = arg;

	iv_init();
	player->event.cookie = player;
	player->event.handler = return_ball;
	if (iv_event_register(&player->event) < 0)
		return NULL;
	pthread_barrier_wait(&both);
	if (player == &players[1])
		iv_event_post(&players[0].event);
	iv_main();
	/* The last ball may be on its way to one that has left. */
	pthread_barrier_wait(&both);
	iv_event_unregister(&player->event);
	iv_deinit();

	return player;
}

static void two_loops_wake_each_other(void **state)
{
	pthread_t thread;
	int i;

	(void)state;
	pthread_barrier_init(&both, NULL, 2);
	for (i = 0; i < 2; i++) {
		players[i].other = &players[1 - i];
		players[i].left = scaled(5000);
	}
	thread = start_thread(play, &players[1]);
	assert_non_null(play(&players[0]));
	assert_non_null(join_thread(thread));
	pthread_barrier_destroy(&both);
	assert_int_equal(players[0].left, 0);
	assert_int_equal(players[1].left, 0);
}

static void post_itself(void *cookie)
{
	calls++;
	iv_event_post(cookie);
}

static void an_event_that_posts_itself_does_not_starve(void **state)
{
	(void)state;
	iv_init();
	register_event(&event, post_itself);
	iv_event_post(&event);
	probe_socket(&probe);
	put_byte(probe.far);
	probe_register(&probe, IN);
	run_until_called(&probe, 20);
	assert_true(calls >= 10);
	iv_event_unregister(&event);
	probe_close(&probe);
	iv_deinit();
}

static void *post_many(void *arg)
{
	int i;

	for (i = 0; i < 100; i++)
		iv_event_post(arg);

	return NULL;
}

/* What was sent and not asked for must not turn up in the next loop. */
static void wakes_left_over_do_not_disturb(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		iv_init();
		register_event(&event, count_and_quit);
		in_thread(post_many, &event);
		iv_event_unregister(&event);
		if (i % 10 == 0)
			expect_idle();
		iv_deinit();
	}
	assert_int_equal(calls, 0);
}

/* Signals *****************************************************************/

static struct iv_event_raw raw;

static void post_raw(int signum)
{
	(void)signum;
	iv_event_raw_post(&raw);
}

static void *signal_thread(void *thread)
{
	pthread_kill(*(pthread_t *)thread, SIGUSR1);

	return NULL;
}

static void a_raw_post_in_a_signal_handler_ends_the_wait(void **state)
{
	struct sigaction action = { .sa_handler = post_raw };
	pthread_t self = pthread_self();
	int i;

	(void)state;
	iv_init();
	raw.handler = count_and_quit;
	assert_int_equal(iv_event_raw_register(&raw), 0);
	for (i = 0; i < 50; i++) {
		pthread_t thread;

		action.sa_flags = i % 2 ? SA_RESTART : 0;
		sigaction(SIGUSR1, &action, NULL);
		thread = start_thread(signal_thread, &self);
		run_until_signal("a signal");
		join_thread(thread);
		assert_int_equal(calls, i + 1);
	}
	expect_idle();
	assert_int_equal(calls, 50);
	signal(SIGUSR1, SIG_IGN);
	iv_event_raw_unregister(&raw);
	iv_deinit();
}

/*
 * Whichever thread takes it. A sanitizer may lose what is taken by one that
 * ends: there, the loop's own has to.
 */
static void *signal_process(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (under_a_tool())
		pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);

	return arg;
}

static void a_signal_ends_the_wait(void **state)
{
	struct iv_signal object = {
		.signum = SIGUSR1,
		.handler = count_and_quit,
	};
	int i;

	(void)state;
	iv_init();
	assert_int_equal(iv_signal_register(&object), 0);
	for (i = 0; i < 50; i++) {
		pthread_t thread = start_thread(signal_process, NULL);

		run_until_signal("a signal");
		join_thread(thread);
		assert_int_equal(calls, i + 1);
	}
	expect_idle();
	assert_int_equal(calls, 50);
	iv_signal_unregister(&object);
	iv_deinit();
}

static void a_signal_sent_before_is_not_lost(void **state)
{
	struct iv_signal object = {
		.signum = SIGUSR1,
		.handler = count_and_quit,
	};
	int i;

	(void)state;
	iv_init();
	assert_int_equal(iv_signal_register(&object), 0);
	for (i = 0; i < 20; i++) {
		raise(SIGUSR1);
		raise(SIGUSR1);
		run_until_quit("a signal");
		assert_int_equal(calls, i + 1);
	}
	iv_signal_unregister(&object);
	iv_deinit();
}

/* Work ********************************************************************/

static atomic_int worked;
static int left;

static void work(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&worked, 1);
}

static void complete(void *cookie)
{
	(void)cookie;
	calls++;
	if (--left == 0)
		iv_quit();
}

/* Each completion is a wake, each item may be one of a worker. */
static void completions_end_the_wait(void **state)
{
	struct iv_work_item items[16];
	struct iv_work_pool pool;
	int i, round;

	(void)state;
	iv_init();
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = 2;
	assert_int_equal(iv_work_pool_create(&pool), 0);
	for (round = 0; round < 20; round++) {
		left = 16;
		for (i = 0; i < 16; i++) {
			IV_WORK_ITEM_INIT(&items[i]);
			items[i].work = work;
			items[i].completion = complete;
			iv_work_pool_submit_work(&pool, &items[i]);
		}
		run_until_quit("the completions");
	}
	assert_int_equal(atomic_load(&worked), 20 * 16);
	assert_int_equal(calls, 20 * 16);
	iv_work_pool_put(&pool);
	iv_main();
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_post_ends_the_wait),
	TEST(a_post_made_before_is_not_lost),
	TEST(several_posters_lose_nothing),
	TEST(several_posters_beside_a_ready_descriptor),
	TEST(two_loops_wake_each_other),
	TEST(an_event_that_posts_itself_does_not_starve),
	TEST(wakes_left_over_do_not_disturb),
	TEST(a_raw_post_in_a_signal_handler_ends_the_wait),
	TEST(a_signal_ends_the_wait),
	TEST(a_signal_sent_before_is_not_lost),
	TEST(completions_end_the_wait),
};

GROUP(wake);
