/* SPDX-License-Identifier: MIT */
/*
 * test_meets_loop.c - what several threads want of one loop at the same time
 */
#include "actors_bed.h"

static void posts_meet_calls_and_stops(void **state)
{
	(void)state;
	TOGETHER(post, call);
	TOGETHER(post, call_wait);
	TOGETHER(post, post, call, call_wait);
	AROUND_A_STOP(post);
	AROUND_A_STOP(post, post, call);
}

static void posts_meet_sends_and_closes(void **state)
{
	(void)state;
	TOGETHER(post, send_letter);
	TOGETHER(post, clone_send_close);
	TOGETHER(post, post, send_letter, clone_send_close);
}

static void posts_by_handle_meet_calls_and_stops(void **state)
{
	(void)state;
	TOGETHER(post_by_handle, call);
	TOGETHER(post_by_handle, post, call, call_wait);
	AROUND_A_STOP(post_by_handle);
	AROUND_A_STOP(post_by_handle, post, call);
}

static void joins_meet_whatever_wakes_the_loop(void **state)
{
	(void)state;
	TOGETHER(join_a_moment, post);
	TOGETHER(join_a_moment, post_by_handle);
	TOGETHER(join_a_moment, call);
	TOGETHER(join_a_moment, send_letter);
	TOGETHER(join_a_moment, clone_send_close);
	TOGETHER(join_a_moment, join_a_moment, post, call_wait);
}

static void a_handler_that_frees_meets_calls_stops_and_joins(void **state)
{
	(void)state;
	TOGETHER(post_to_brief, call);
	TOGETHER(post_to_brief, call_wait, join_a_moment);
	AROUND_A_STOP(post_to_brief);
	AROUND_A_STOP(post_to_brief, call, join_a_moment);
}

static void calls_meet_sends_and_closes(void **state)
{
	(void)state;
	TOGETHER(call, send_letter);
	TOGETHER(call, clone_send_close);
	TOGETHER(call, call_wait, send_letter, clone_send_close);
}

static void a_stop_meets_sends_and_closes(void **state)
{
	(void)state;
	AROUND_A_STOP(send_letter);
	AROUND_A_STOP(clone_send_close);
	AROUND_A_STOP(send_letter, clone_send_close, call_wait_a_moment);
}

static void signals_meet_calls_stops_and_closes(void **state)
{
	(void)state;
	catch_signals();
	TOGETHER(interrupt, call);
	TOGETHER(interrupt, clone_send_close);
	TOGETHER(interrupt, interrupt, call, clone_send_close);
	AROUND_A_STOP(interrupt);
	AROUND_A_STOP(interrupt, call, interrupt);
}

static void an_end_meets_posts_calls_and_joins(void **state)
{
	(void)state;
	AROUND_AN_END(post_by_handle);
	AROUND_AN_END(call);
	AROUND_AN_END(call_wait_a_moment);
	AROUND_AN_END(join_a_moment);
	AROUND_AN_END(post_by_handle, call, call_wait_a_moment);
	AROUND_AN_END(post_to_brief, join_a_moment, call_wait_a_moment);
}

static void an_end_meets_sends_and_closes(void **state)
{
	(void)state;
	AROUND_AN_END(send_letter);
	AROUND_AN_END(clone_send_close);
	AROUND_AN_END(send_letter, clone_send_close, call);
}

static void an_end_meets_stops_and_ends(void **state)
{
	(void)state;
	AROUND_AN_END(stop, call);
	AROUND_AN_END(end_in_order, send_letter);
	AROUND_AN_END(end_in_order, stop, post_by_handle);
}

static void an_end_meets_signals(void **state)
{
	(void)state;
	catch_signals();
	AROUND_AN_END(interrupt);
	AROUND_AN_END(interrupt, send_letter, interrupt);
}

static const struct test_case cases[] = {
	TEST(posts_meet_calls_and_stops),
	TEST(posts_meet_sends_and_closes),
	TEST(posts_by_handle_meet_calls_and_stops),
	TEST(joins_meet_whatever_wakes_the_loop),
	TEST(a_handler_that_frees_meets_calls_stops_and_joins),
	TEST(calls_meet_sends_and_closes),
	TEST(a_stop_meets_sends_and_closes),
	TEST(signals_meet_calls_stops_and_closes),
	TEST(an_end_meets_posts_calls_and_joins),
	TEST(an_end_meets_sends_and_closes),
	TEST(an_end_meets_stops_and_ends),
	TEST(an_end_meets_signals),
};

TEST_MAIN(cases)
