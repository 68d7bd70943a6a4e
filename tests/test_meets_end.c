/* SPDX-License-Identifier: MIT */
/*
 * test_meets_end.c - ends of loops and threads that meet other operations
 */
#include <signal.h>
#include <unistd.h>
#include <iv_channel.h>
#include <iv_loop.h>
#include <iv_thread.h>
#include <iv_work.h>
#include "meets_bed.h"

static struct meeting meeting;
static int num_rounds;

static void begin(unsigned int num_threads, int plain, int under_tools)
{
	meeting.num = num_threads;
	num_rounds = rounds_of(plain, under_tools);
}

/* Posts *******************************************************************/

static struct iv_event *brief; /* on the stack of the thread that owns it */
static sem_t is_open;

static void end_thread(void *cookie)
{
	iv_event_unregister(cookie);
	pthread_exit(NULL);
}

static void unregister_and_quit(void *cookie)
{
	iv_event_unregister(cookie);
	iv_quit();
}

/* It returns, or leaves the handler for ever; the poster may be inside. */
static void *be_posted_and_end(void *handler)
{
	struct iv_event event;

	iv_init();
	open_event(&event, *(void (**)(void *))handler, &event);
	brief = &event;
	sem_post(&is_open);
	iv_main();

	return NULL;
}

static void *post_each_round(void *arg)
{
	int i;

	for (i = 0; i < num_rounds; i++) {
		await(&is_open);
		iv_event_post(brief);
	}

	return arg;
}

static void a_post_meets_the_end_of_the_owners_thread(void **state)
{
	void (*handlers[])(void *) = { unregister_and_quit, end_thread };
	pthread_t poster;
	int i;

	(void)state;
	begin(1, 1000, 20);
	sem_init(&is_open, 0, 0);
	poster = start_thread(post_each_round, NULL);
	for (i = 0; i < num_rounds; i++)
		in_thread(be_posted_and_end, &handlers[i % 2]);
	join_thread(poster);
	sem_destroy(&is_open);
}

/* Signals *****************************************************************/

static struct iv_event kept;
static iv_event_handle kept_handle;
static _Atomic(iv_event_handle) brief_handle;
static atomic_int num_signals;
static int num_seen;

static void post_in_handler(int signum)
{
	int ret = iv_event_handle_post(atomic_load(&brief_handle));

	(void)signum;
	MUST(ret == 0 || ret == -ENOENT);
	atomic_fetch_add(&num_signals, 1);
	MUST(iv_event_handle_post(kept_handle) == 0);
}

static void see_signals(void *cookie)
{
	(void)cookie;
	num_seen = atomic_load(&num_signals);
	iv_quit();
}

static void ignore(void *cookie)
{
	(void)cookie;
}

static void *open_and_end(void *just_ends)
{
	struct iv_event event;

	iv_init();
	atomic_store(&brief_handle, open_handle(&event, ignore, NULL));
	meet(&meeting);
	iv_loop_run_once(0);
	if (*(bool *)just_ends)
		return NULL;
	iv_event_unregister(&event);
	iv_deinit();

	return NULL;
}

static void a_thread_that_ends_meets_signals(void **state)
{
	struct sigaction action = { .sa_handler = post_in_handler,
				    .sa_flags = SA_RESTART };
	bool just_ends = false;
	pthread_t thread;
	int i;
	int j;

	(void)state;
	begin(2, 500, 20);
	iv_init();
	kept_handle = open_handle(&kept, see_signals, NULL);
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	for (i = 0; i < num_rounds; i++, just_ends = !just_ends) {
		thread = start_thread(open_and_end, &just_ends);
		meet(&meeting);
		for (j = 0; j < 10; j++)
			pthread_kill(thread, SIGUSR1);
		join_thread(thread);
		assert_int_equal(
			iv_event_handle_post(atomic_load(&brief_handle)),
			-ENOENT);
	}
	while (num_seen != atomic_load(&num_signals))
		run_until_quit("the last signal's post");
	iv_event_unregister(&kept);
	iv_deinit();
}

/* Channels ****************************************************************/

static struct iv_channel channel;
static struct iv_channel_sender sender;
static struct iv_channel_message message, more;
static int num_arrived;

static void arrive(void *cookie, struct iv_channel_message *arrived)
{
	(void)cookie;
	MUST(arrived == &message || arrived == &more);
	num_arrived++;
}

static void *receive_and_end(void *how)
{
	iv_init();
	IV_CHANNEL_INIT(&channel);
	channel.handler = arrive;
	channel.dropped = arrive;
	channel.limit = 1;
	MUST(iv_channel_register(&channel) == 0);
	iv_channel_sender_open(&sender, &channel);
	sem_post(&is_open);
	meet(&meeting);
	if (*(int *)how % 3 == 0)
		iv_loop_run_once(0);
	if (*(int *)how % 2 == 0)
		iv_channel_unregister(&channel);
	if (*(int *)how % 5 != 0)
		iv_deinit();

	return NULL;
}

/* A clone, in a full channel that ends; how many messages it took. */
static int want_room(void)
{
	struct iv_channel_sender clone;
	int num = 0;
	int ret;

	IV_CHANNEL_SENDER_INIT(&clone);
	iv_channel_sender_clone(&clone, &sender);
	ret = iv_channel_sender_want_room(&clone, kept_handle);
	if (ret == 0)
		run_until_quit("room");
	else
		assert_int_equal(ret, -EPIPE);
	ret = iv_channel_send(&clone, &more);
	if (ret == 0)
		num++;
	else
		assert_true(ret == -EPIPE || ret == -EAGAIN);
	iv_channel_sender_close(&clone);

	return num;
}

static void clones_that_want_room_meet_the_end(void **state)
{
	pthread_t thread;
	int num_sent;
	int i;

	(void)state;
	begin(2, 500, 20);
	iv_init();
	kept_handle = open_handle(&kept, quit, NULL);
	sem_init(&is_open, 0, 0);
	for (i = 0; i < num_rounds; i++) {
		thread = start_thread(receive_and_end, &i);
		await(&is_open);
		IV_CHANNEL_MESSAGE_INIT(&message);
		IV_CHANNEL_MESSAGE_INIT(&more);
		num_arrived = 0;
		assert_int_equal(iv_channel_send(&sender, &message), 0);
		meet(&meeting);
		num_sent = 1 + want_room();
		join_thread(thread);
		assert_int_equal(num_arrived, num_sent);
		iv_channel_sender_close(&sender);
	}
	sem_destroy(&is_open);
	iv_event_unregister(&kept);
	iv_deinit();
}

/* Pools and created threads ***********************************************/

enum { NUM_ITEMS = 8 };

struct job {
	struct iv_work_item item;
	struct iv_work_item continuation;
	struct iv_work_pool *pool;
	atomic_int num_run;
	int num_completed;
};

static void complete(void *cookie)
{
	struct job *job = cookie;

	MUST(iv_inited());
	job->num_completed++;
}

static void run(void *cookie)
{
	struct job *job = cookie;

	atomic_fetch_add(&job->num_run, 1);
}

static void run_and_go_on(void *cookie)
{
	struct job *job = cookie;

	run(job);
	iv_work_pool_submit_continuation(job->pool, &job->continuation);
}

static void submit(struct iv_work_pool *pool, struct job *job)
{
	job->pool = pool;
	job->item = (struct iv_work_item){ .cookie = job,
					   .work = run_and_go_on,
					   .completion = complete };
	job->continuation = (struct iv_work_item){ .cookie = job,
						   .work = run,
						   .completion = complete };
	iv_work_pool_submit_work(pool, &job->item);
}

/* Nothing runs behind it, and what it let go never ran or never completed. */
static void a_loop_ends_while_its_pool_works(void **state)
{
	struct iv_work_pool pool;
	struct job *jobs;
	int i;
	int j;

	(void)state;
	begin(1, 200, 8);
	for (i = 0; i < num_rounds; i++) {
		jobs = calloc(NUM_ITEMS, sizeof(*jobs));
		assert_non_null(jobs);
		iv_init();
		IV_WORK_POOL_INIT(&pool);
		pool.max_threads = 2;
		assert_int_equal(iv_work_pool_create(&pool), 0);
		for (j = 0; j < NUM_ITEMS; j++)
			submit(&pool, &jobs[j]);
		if (i % 3 == 0)
			iv_loop_run_once(0);
		if (i % 2 == 0)
			iv_work_pool_put(&pool);
		iv_deinit();
		for (j = 0; j < NUM_ITEMS; j++) {
			assert_in_range(jobs[j].num_run, 0, 2);
			assert_in_range(jobs[j].num_completed, 0,
					jobs[j].num_run);
		}
		free(jobs);
	}
}

static sem_t has_met;

static void meet_and_end(void *cookie)
{
	if (*(bool *)cookie)
		iv_init();
	sem_post(&has_met);
	meet(&meeting);
}

static void created_threads_end_with_their_creators_loop(void **state)
{
	bool with_a_loop = false;
	int i;

	(void)state;
	begin(3, 300, 10);
	sem_init(&has_met, 0, 0);
	for (i = 0; i < num_rounds; i++) {
		iv_init();
		assert_int_equal(
			iv_thread_create("one", meet_and_end, &with_a_loop), 0);
		assert_int_equal(
			iv_thread_create("two", meet_and_end, &with_a_loop), 0);
		await(&has_met);
		await(&has_met);
		with_a_loop = i % 2 == 0;
		meet(&meeting);
		if (i % 3 == 0)
			iv_main();
		iv_deinit();
	}
	while (iv_loop_count() > 0)
		sched_yield();
	sem_destroy(&has_met);
}

static const struct test_case cases[] = {
	TEST(a_post_meets_the_end_of_the_owners_thread),
	TEST(a_thread_that_ends_meets_signals),
	TEST(clones_that_want_room_meet_the_end),
	TEST(a_loop_ends_while_its_pool_works),
	TEST(created_threads_end_with_their_creators_loop),
};

TEST_MAIN(cases)
