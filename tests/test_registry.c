/* SPDX-License-Identifier: MIT */
/*
 * test_registry.c - the loops of the process: numbers, names, enumeration
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <iv_tls.h>
#include <iv_work.h>
#include "registry_bed.h"

/* Numbers *****************************************************************/

static void without_loops_there_is_nothing(void **state)
{
	(void)state;
	assert_true(iv_loop_self() == 0);
	assert_int_equal(iv_loop_count(), 0);
	assert_true(iv_loop_next(0) == 0);
	assert_not_found("any");
	assert_ended(0);
	assert_ended(1);
	assert_int_equal(iv_loop_set_name("any"), -ESRCH);
}

static void a_loop_is_listed_until_it_is_closed(void **state)
{
	iv_loop_id id;

	(void)state;
	iv_init();
	id = iv_loop_self();
	assert_true(id != 0);
	assert_int_equal(iv_loop_count(), 1);
	assert_true(iv_loop_next(0) == id);
	assert_true(iv_loop_next(id) == 0);
	iv_deinit();
	assert_true(iv_loop_self() == 0);
	assert_int_equal(iv_loop_count(), 0);
	assert_ended(id);
}

static void a_number_is_never_used_again(void **state)
{
	iv_loop_id old, id;
	int i;

	(void)state;
	iv_init();
	old = iv_loop_self();
	iv_deinit();
	for (i = 0; i < scaled(1000); i++) {
		iv_init();
		id = iv_loop_self();
		assert_true(id != old);
		assert_ended(old);
		iv_deinit();
		old = id;
	}
}

static void loops_of_all_threads_are_listed_once(void **state)
{
	/* More than fit without an allocation. */
	enum { NUM = 70 };
	static struct other others[NUM];
	int i;

	(void)state;
	for (i = 0; i < NUM; i++)
		start(&others[i], NULL);
	assert_int_equal(iv_loop_count(), NUM);
	for (i = 0; i < NUM; i++)
		assert_int_equal(times_listed(others[i].id), 1);
	for (i = 0; i < NUM; i += 2)
		end(&others[i]);
	assert_int_equal(iv_loop_count(), NUM / 2);
	for (i = 0; i < NUM; i++)
		assert_int_equal(times_listed(others[i].id), i % 2);
	for (i = 1; i < NUM; i += 2)
		end(&others[i]);
	assert_int_equal(iv_loop_count(), 0);
}

static void going_through_them_survives_their_end(void **state)
{
	struct other others[3];
	iv_loop_id id;
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		start(&others[i], NULL);
	id = iv_loop_next(0);
	for (i = 0; others[i].id != id; i++)
		;
	end(&others[i]);
	id = iv_loop_next(id);
	assert_true(id == others[(i + 1) % 3].id ||
		    id == others[(i + 2) % 3].id);
	id = iv_loop_next(id);
	assert_true(id == others[(i + 1) % 3].id ||
		    id == others[(i + 2) % 3].id);
	assert_true(iv_loop_next(id) == 0);
	end(&others[(i + 1) % 3]);
	end(&others[(i + 2) % 3]);
}

static void made_up_numbers_name_no_loop(void **state)
{
	iv_loop_id id;
	int bit;

	(void)state;
	iv_init();
	id = iv_loop_self();
	for (bit = 0; bit < 64; bit++)
		assert_ended(id ^ UINT64_C(1) << bit);
	assert_ended(UINT64_MAX);
	assert_ended(UINT32_MAX);
	assert_ended(UINT64_C(0xffffffff00000000));
	assert_true(iv_loop_next(UINT64_MAX) == 0);
	iv_deinit();
}

static iv_loop_id seen_in_handler[2];

static void look(int signum)
{
	(void)signum;
	seen_in_handler[0] = iv_loop_self();
	seen_in_handler[1] = iv_loop_next(0);
}

static void numbers_are_there_in_signal_handlers(void **state)
{
	const struct sigaction action = { .sa_handler = look };

	(void)state;
	iv_init();
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	raise(SIGUSR1);
	assert_true(seen_in_handler[0] == iv_loop_self());
	assert_true(seen_in_handler[1] == iv_loop_self());
	iv_deinit();
}

/* Whose loops *************************************************************/

static _Thread_local iv_loop_id tls_ids[2];

static void tls_opened(void *arg)
{
	(void)arg;
	tls_ids[0] = iv_loop_self();
}

static void tls_closing(void *arg)
{
	(void)arg;
	tls_ids[1] = iv_loop_self();
}

static struct iv_tls_user user = {
	.init_thread = tls_opened,
	.deinit_thread = tls_closing,
};

static void functions_of_iv_tls_run_while_it_is_listed(void **state)
{
	iv_loop_id id;

	(void)state;
	iv_init();
	id = iv_loop_self();
	iv_deinit();
	assert_true(tls_ids[0] == id);
	assert_true(tls_ids[1] == id);
}

/* A constructor of the program's, which may come ahead of the library's. */
static iv_loop_id early_id;
static size_t early_count;

__attribute__((constructor)) static void open_early(void)
{
	iv_tls_user_register(&user);
	iv_init();
	early_id = iv_loop_self();
	early_count = iv_loop_count();
	iv_deinit();
}

static void a_loop_of_a_constructor_is_listed(void **state)
{
	(void)state;
	assert_true(early_id != 0);
	assert_int_equal(early_count, 1);
	assert_ended(early_id);
}

static iv_loop_id worker_id;
static int worker_listed;

static void work(void *cookie)
{
	(void)cookie;
	worker_id = iv_loop_self();
	worker_listed = times_listed(worker_id);
	iv_loop_set_name("worker");
}

static void worked(void *pool)
{
	iv_work_pool_put(pool);
}

static void the_loops_of_workers_are_listed(void **state)
{
	struct iv_work_pool pool;
	struct iv_work_item item;

	(void)state;
	iv_init();
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = 1;
	pool.cookie = NULL;
	pool.thread_start = NULL;
	pool.thread_stop = NULL;
	assert_int_equal(iv_work_pool_create(&pool), 0);
	IV_WORK_ITEM_INIT(&item);
	item.cookie = &pool;
	item.work = work;
	item.completion = worked;
	iv_work_pool_submit_work(&pool, &item);
	iv_main();
	assert_true(worker_id != 0);
	assert_true(worker_id != iv_loop_self());
	assert_int_equal(worker_listed, 1);
	assert_ended(worker_id);
	assert_not_found("worker");
	iv_deinit();
}

/* Names *******************************************************************/

static void a_loop_has_no_name_at_first(void **state)
{
	(void)state;
	iv_init();
	assert_name(iv_loop_self(), "");
	assert_not_found("");
	iv_deinit();
}

static void a_name_is_found_until_it_is_replaced(void **state)
{
	struct other other;

	(void)state;
	iv_init();
	start(&other, "other");
	assert_int_equal(iv_loop_set_name("first"), 0);
	assert_name(iv_loop_self(), "first");
	assert_found("first", iv_loop_self());
	assert_found("other", other.id);
	assert_int_equal(iv_loop_set_name("second"), 0);
	assert_not_found("first");
	assert_found("second", iv_loop_self());
	assert_int_equal(iv_loop_set_name(""), 0);
	assert_not_found("second");
	assert_name(iv_loop_self(), "");
	end(&other);
	assert_not_found("other");
	assert_ended(other.id);
	iv_deinit();
}

static void of_equal_names_one_is_found(void **state)
{
	struct other others[2];
	iv_loop_id id;

	(void)state;
	start(&others[0], "twin");
	start(&others[1], "twin");
	assert_int_equal(iv_loop_find("twin", &id), 0);
	assert_true(id == others[0].id || id == others[1].id);
	end(&others[id == others[0].id ? 0 : 1]);
	assert_found("twin", others[id == others[0].id ? 1 : 0].id);
	end(&others[id == others[0].id ? 1 : 0]);
	assert_not_found("twin");
}

static void the_next_loop_does_not_inherit_the_name(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(iv_loop_set_name("former"), 0);
	iv_deinit();
	iv_init();
	assert_name(iv_loop_self(), "");
	assert_not_found("former");
	iv_deinit();
}

static void the_thread_gets_the_name_cut_to_15_bytes(void **state)
{
	char name[32];

	(void)state;
	iv_init();
	assert_int_equal(iv_loop_set_name("0123456789abcdefg"), 0);
	pthread_getname_np(pthread_self(), name, sizeof(name));
	assert_string_equal(name, "0123456789abcde");
	assert_name(iv_loop_self(), "0123456789abcdefg");
	assert_int_equal(iv_loop_set_name(""), 0);
	pthread_getname_np(pthread_self(), name, sizeof(name));
	assert_string_equal(name, "0123456789abcde");
	iv_deinit();
}

static void a_name_has_63_bytes_at_most(void **state)
{
	char name[IV_LOOP_NAME_SIZE + 1];

	(void)state;
	iv_init();
	memset(name, 'x', IV_LOOP_NAME_SIZE);
	name[IV_LOOP_NAME_SIZE] = '\0';
	assert_int_equal(iv_loop_set_name(name), -ENAMETOOLONG);
	assert_name(iv_loop_self(), "");
	name[IV_LOOP_NAME_SIZE - 1] = '\0';
	assert_int_equal(iv_loop_set_name(name), 0);
	assert_name(iv_loop_self(), name);
	iv_deinit();
}

static void a_short_buffer_is_refused_untouched(void **state)
{
	char buf[8] = "before";

	(void)state;
	iv_init();
	assert_int_equal(iv_loop_get_name(iv_loop_self(), buf, 0), -ERANGE);
	assert_int_equal(iv_loop_set_name("seven77"), 0);
	assert_int_equal(iv_loop_get_name(iv_loop_self(), buf, 7), -ERANGE);
	assert_string_equal(buf, "before");
	assert_int_equal(iv_loop_get_name(iv_loop_self(), buf, 8), 0);
	assert_string_equal(buf, "seven77");
	iv_deinit();
}

static void null_pointers_are_refused(void **state)
{
	iv_loop_id id = NO_SUCH_LOOP;

	(void)state;
	iv_init();
	assert_int_equal(iv_loop_set_name(NULL), -EINVAL);
	assert_int_equal(iv_loop_get_name(iv_loop_self(), NULL, 9), -EINVAL);
	assert_int_equal(iv_loop_find(NULL, &id), -EINVAL);
	assert_int_equal(iv_loop_find("any", NULL), -EINVAL);
	assert_true(id == NO_SUCH_LOOP);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(without_loops_there_is_nothing),
	TEST(a_loop_is_listed_until_it_is_closed),
	TEST(a_number_is_never_used_again),
	TEST(loops_of_all_threads_are_listed_once),
	TEST(going_through_them_survives_their_end),
	TEST(made_up_numbers_name_no_loop),
	TEST(numbers_are_there_in_signal_handlers),
	TEST(functions_of_iv_tls_run_while_it_is_listed),
	TEST(the_loops_of_workers_are_listed),
	TEST(a_loop_of_a_constructor_is_listed),
	TEST(a_loop_has_no_name_at_first),
	TEST(a_name_is_found_until_it_is_replaced),
	TEST(of_equal_names_one_is_found),
	TEST(the_next_loop_does_not_inherit_the_name),
	TEST(the_thread_gets_the_name_cut_to_15_bytes),
	TEST(a_name_has_63_bytes_at_most),
	TEST(a_short_buffer_is_refused_untouched),
	TEST(null_pointers_are_refused),
};

TEST_MAIN(cases)
