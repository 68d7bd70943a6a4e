/* SPDX-License-Identifier: MIT */
/*
 * scenarios_call.c - loops by name, and calls to them
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <iv_loop.h>
#include "bed.h"

#define MS ((int64_t)1000000)

enum { NUM_LOOPS = 20, NUM_CALLS = 3, ANSWER = 42 };

static void prepare_nothing(void)
{
}

static void need_thread(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	EXPECT(pthread_create(thread, NULL, run, arg) == 0,
	       "the sweep has no thread");
}

/* Names *******************************************************************/

static char expected_name[IV_LOOP_NAME_SIZE];

static void rename_loop(const char *name)
{
	int ret = iv_loop_set_name(name);

	if (ret < 0)
		refused_with("iv_loop_set_name", ret);
	else
		snprintf(expected_name, sizeof(expected_name), "%s", name);
}

/* In a thread that has no loop. */
static void *look_up(void *arg)
{
	const iv_loop_id *id = arg;
	iv_loop_id found = 0;
	char name[IV_LOOP_NAME_SIZE] = "untouched";
	int ret;

	EXPECT(iv_loop_get_name(*id, name, sizeof(name)) == 0,
	       "a loop's name cannot be read");
	EXPECT(strcmp(name, expected_name) == 0, "the loop is called '%s'",
	       name);
	ret = iv_loop_find(expected_name, &found);
	if (expected_name[0] != '\0')
		EXPECT(ret == 0 && found == *id, "the loop is not found: %d",
		       ret);
	else
		EXPECT(ret == -ESRCH, "a loop without a name is found: %d",
		       ret);

	return NULL;
}

static void expect_name(void)
{
	iv_loop_id id = iv_loop_self();
	pthread_t thread;

	need_thread(&thread, look_up, &id);
	pthread_join(thread, NULL);
}

static void run_name(void)
{
	char name[IV_LOOP_NAME_SIZE];
	iv_loop_id id;

	expected_name[0] = '\0';
	open_loop();
	id = iv_loop_self();
	rename_loop("a name");
	expect_name();
	rename_loop("one that is too long for a thread");
	expect_name();
	rename_loop("");
	expect_name();
	rename_loop("the last name");
	expect_name();
	close_loop();
	EXPECT(iv_loop_get_name(id, name, sizeof(name)) == -ESRCH &&
		       iv_loop_find("the last name", &id) == -ESRCH,
	       "a name outlives its loop");
}

/* Many loops **************************************************************/

struct named {
	pthread_t thread;
	iv_loop_id id;
	char name[16];
	int ret; /* of iv_loop_set_name() */
};

static struct named named[NUM_LOOPS];
static sem_t arrived;
static sem_t may_go;

static void *be_named(void *arg)
{
	struct named *self = arg;

	iv_init();
	self->id = iv_loop_self();
	self->ret = iv_loop_set_name(self->name);
	sem_post(&arrived);
	sem_wait(&may_go);
	iv_deinit();

	return NULL;
}

static void expect_all_listed(void)
{
	iv_loop_id id;
	int num = 0;
	int i;

	EXPECT(iv_loop_count() == NUM_LOOPS + 1, "%zu of %d loops",
	       iv_loop_count(), NUM_LOOPS + 1);
	for (id = iv_loop_next(0); id != 0; id = iv_loop_next(id))
		num++;
	EXPECT(num == NUM_LOOPS + 1, "%d of %d loops are listed", num,
	       NUM_LOOPS + 1);

	for (i = 0; i < NUM_LOOPS; i++) {
		if (named[i].ret < 0)
			refused_with("iv_loop_set_name", named[i].ret);
		else
			EXPECT(iv_loop_find(named[i].name, &id) == 0 &&
				       id == named[i].id,
			       "'%s' is not found", named[i].name);
	}
}

/* More than the first table has room for. */
static void run_loops(void)
{
	int i;

	sem_init(&arrived, 0, 0);
	sem_init(&may_go, 0, 0);
	open_loop();
	for (i = 0; i < NUM_LOOPS; i++) {
		snprintf(named[i].name, sizeof(named[i].name), "loop %d", i);
		need_thread(&named[i].thread, be_named, &named[i]);
	}
	stage("loops to be opened");
	for (i = 0; i < NUM_LOOPS; i++)
		sem_wait(&arrived);
	expect_all_listed();
	for (i = 0; i < NUM_LOOPS; i++)
		sem_post(&may_go);
	for (i = 0; i < NUM_LOOPS; i++)
		pthread_join(named[i].thread, NULL);
	EXPECT(iv_loop_count() == 1, "%zu loops remain", iv_loop_count() - 1);
	close_loop();
}

/* Calls *******************************************************************/

static struct calls {
	iv_loop_id id; /* who is called */
	int num_accepted;
	int num_called;
	int num_dropped;
	const char *call; /* that was refused; NULL: none */
	int ret;
} calls;

static int pair[2];
static struct iv_fd bytes;

static void prepare_pair(void)
{
	need_pair(pair);
}

/* The loop of run_loop() goes on until a byte arrives. */
static void got_byte(void *cookie)
{
	(void)cookie;
	EXPECT(take_all(pair[0]) > 0, "handler_in without anything to read");
	iv_fd_unregister(&bytes);
}

static void open_called_loop(void)
{
	int ret;

	memset(&calls, 0, sizeof(calls));
	open_loop();
	calls.id = iv_loop_self();
	IV_FD_INIT(&bytes);
	bytes.fd = pair[0];
	bytes.handler_in = got_byte;
	iv_fd_register(&bytes);
	ret = iv_loop_listen();
	if (ret < 0)
		refused_with("iv_loop_listen", ret);
}

/* By who calls, who is alone with @calls until it is joined. */
static void call_refused(const char *call, int ret)
{
	if (calls.call == NULL) {
		calls.call = call;
		calls.ret = ret;
	}
}

static void count_called(void *cookie)
{
	struct calls *of = cookie;

	of->num_called++;
}

static void count_dropped(void *cookie)
{
	struct calls *of = cookie;

	of->num_dropped++;
}

static int answer(void *cookie)
{
	(void)cookie;

	return ANSWER;
}

static void call_often(void)
{
	int ret;
	int i;

	for (i = 0; i < NUM_CALLS; i++) {
		ret = iv_loop_call(calls.id, count_called, &calls,
				   count_dropped);
		if (ret == 0)
			calls.num_accepted++;
		else
			call_refused("iv_loop_call", ret);
	}
}

static void call_and_wait(int64_t timeout_ns)
{
	int result = 0;
	int ret;

	ret = iv_loop_call_wait(calls.id, answer, NULL, timeout_ns, &result);
	if (ret < 0)
		call_refused("iv_loop_call_wait", ret);
	else
		EXPECT(result == ANSWER, "a call returns %d", result);
}

static void *call_from_outside(void *arg)
{
	(void)arg;
	call_often();
	call_and_wait(-1);
	call_and_wait(10000 * MS);
	need_write(pair[1], "x");

	return NULL;
}

static void expect_gone(void)
{
	int ret;

	ret = iv_loop_call_wait(calls.id, answer, NULL, 0, NULL);
	EXPECT(ret == -ESRCH, "a call to no loop returns %d", ret);
	EXPECT(calls.num_called + calls.num_dropped == calls.num_accepted,
	       "%d calls were run and %d dropped, of %d", calls.num_called,
	       calls.num_dropped, calls.num_accepted);
	if (calls.call != NULL)
		refused_with(calls.call, calls.ret);
}

static void run_call(void)
{
	pthread_t thread;

	open_called_loop();
	need_thread(&thread, call_from_outside, NULL);
	run_loop("calls from another thread");
	pthread_join(thread, NULL);
	call_often();
	close_loop();
	expect_gone();
}

/* Who waits for a loop that never runs. */
static void *wait_for_nobody(void *arg)
{
	int ret = iv_loop_call_wait(calls.id, answer, NULL, -1, NULL);

	(void)arg;
	EXPECT(ret == -ESRCH || ret == -ENOMEM || ret == -ENOTCONN,
	       "a call to a loop that ends returns %d", ret);
	if (ret != -ESRCH)
		call_refused("iv_loop_call_wait", ret);

	return NULL;
}

static void run_call_drop(void)
{
	pthread_t thread;

	open_called_loop();
	call_often();
	need_thread(&thread, wait_for_nobody, NULL);
	iv_fd_unregister(&bytes);
	close_loop();
	pthread_join(thread, NULL);
	EXPECT(calls.num_called == 0, "a loop that never ran was called");
	expect_gone();
}

/* Calls that wait *********************************************************/

static sem_t may_run;
static sem_t may_return;

/* From the called loop to who waits for this. */
static int call_back(void *cookie)
{
	return iv_loop_call_wait(*(iv_loop_id *)cookie, answer, NULL, -1, NULL);
}

static int block(void *cookie)
{
	(void)cookie;
	sem_wait(&may_return);

	return 0;
}

/* Nobody is in iv_main() there. */
static void call_in_vain(void)
{
	int ret = iv_loop_call_wait(calls.id, answer, NULL, MS, NULL);

	if (ret != -ETIMEDOUT)
		call_refused("iv_loop_call_wait", ret);
	EXPECT(ret < 0, "a call has run in a loop that does not");
}

static void call_in_a_circle(bool listens)
{
	iv_loop_id self = iv_loop_self();
	int result = -EDEADLK;
	int ret;

	ret = iv_loop_call_wait(calls.id, call_back, &self, -1, &result);
	if (ret < 0)
		call_refused("iv_loop_call_wait", ret);
	else if (result == -ENOMEM)
		call_refused("iv_loop_call_wait", result);
	else
		EXPECT(result == (listens ? -EDEADLK : -ENOTCONN),
		       "a call in a circle returns %d", result);
}

static void call_who_blocks(void)
{
	int ret = iv_loop_call_wait(calls.id, block, NULL, MS, NULL);

	EXPECT(ret < 0, "a call that blocks has returned");
	if (ret == -EINPROGRESS)
		sem_post(&may_return);
	else if (ret != -ETIMEDOUT)
		call_refused("iv_loop_call_wait", ret);
}

static void *call_from_loop(void *arg)
{
	int ret;

	(void)arg;
	iv_init();
	ret = iv_loop_listen();
	if (ret < 0)
		call_refused("iv_loop_listen", ret);
	call_in_vain();
	sem_post(&may_run);
	call_in_a_circle(ret == 0);
	call_who_blocks();
	call_and_wait(-1);
	iv_deinit();
	need_write(pair[1], "x");

	return NULL;
}

static void run_call_wait(void)
{
	pthread_t thread;

	sem_init(&may_run, 0, 0);
	sem_init(&may_return, 0, 0);
	open_called_loop();
	need_thread(&thread, call_from_loop, NULL);
	stage("a call in vain");
	sem_wait(&may_run);
	run_loop("calls from another loop");
	pthread_join(thread, NULL);
	close_loop();
	expect_gone();
}

const struct scenario call_scenarios[] = {
	{ "name", "a loop named again and again", prepare_nothing, run_name },
	{ "loops", "twenty loops with names", prepare_nothing, run_loops },
	{ "call", "calls of a thread, and of the loop's own", prepare_pair,
	  run_call },
	{ "call_drop", "calls to a loop that ends", prepare_pair,
	  run_call_drop },
	{ "call_wait", "calls of a loop that waits, in vain, in a circle",
	  prepare_pair, run_call_wait },
	{ 0 },
};
