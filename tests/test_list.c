/* SPDX-License-Identifier: MIT */
/*
 * test_list.c - intrusive lists
 */
#include <iv_list.h>
#include "harness.h"

struct member {
	int pad;
	struct iv_list_head link;
	const char *word;
};

static struct member a = { .word = "a" }, b = { .word = "b" };
static struct member c = { .word = "c" }, d = { .word = "d" };

static struct iv_list_head list = IV_LIST_HEAD_INIT(list);
static struct iv_list_head other = IV_LIST_HEAD_INIT(other);

/* Both ways, so that the links back are looked at as well. */
static void assert_list(struct iv_list_head *head, const char *words)
{
	struct iv_list_head *lh, *prev = head;

	iv_list_for_each (lh, head) {
		assert_ptr_equal(lh->prev, prev);
		prev = lh;
		note((void *)(uintptr_t)iv_list_entry(lh, struct member, link)
			     ->word);
	}
	assert_ptr_equal(head->prev, prev);
	assert_noted(words);
}

static void fill(void)
{
	iv_list_add_tail(&a.link, &list);
	iv_list_add_tail(&b.link, &list);
	iv_list_add_tail(&c.link, &other);
	iv_list_add_tail(&d.link, &other);
}

static void a_new_list_is_empty(void **state)
{
	struct iv_list_head local = IV_LIST_HEAD_INIT(local);
	struct iv_list_head set;

	(void)state;
	INIT_IV_LIST_HEAD(&set);
	assert_true(iv_list_empty(&local));
	assert_true(iv_list_empty(&set));
	assert_list(&local, "");
}

static void add_puts_in_front(void **state)
{
	(void)state;
	iv_list_add(&a.link, &list);
	assert_false(iv_list_empty(&list));
	iv_list_add(&b.link, &list);
	assert_list(&list, "b a");
}

static void add_tail_puts_at_the_end(void **state)
{
	(void)state;
	iv_list_add_tail(&a.link, &list);
	iv_list_add_tail(&b.link, &list);
	iv_list_add_tail(&c.link, &list);
	assert_list(&list, "a b c");
}

static void del_takes_out(void **state)
{
	(void)state;
	fill();
	iv_list_add_tail(&d.link, &list);
	iv_list_del(&b.link);
	assert_list(&list, "a d");
	assert_null(b.link.next);
	assert_null(b.link.prev);
}

static void del_init_leaves_an_empty_list(void **state)
{
	(void)state;
	fill();
	iv_list_del_init(&a.link);
	assert_list(&list, "b");
	assert_true(iv_list_empty(&a.link));
	iv_list_del_init(&a.link);
	assert_true(iv_list_empty(&a.link));
}

static void splice_puts_all_in_front(void **state)
{
	(void)state;
	fill();
	iv_list_splice(&other, &list);
	assert_list(&list, "c d a b");
}

static void splice_init_empties_the_source(void **state)
{
	(void)state;
	fill();
	iv_list_splice_init(&other, &list);
	assert_list(&list, "c d a b");
	assert_true(iv_list_empty(&other));
}

static void splice_tail_puts_all_at_the_end(void **state)
{
	(void)state;
	fill();
	iv_list_splice_tail(&other, &list);
	assert_list(&list, "a b c d");
}

static void splice_tail_init_empties_the_source(void **state)
{
	(void)state;
	fill();
	iv_list_splice_tail_init(&other, &list);
	assert_list(&list, "a b c d");
	assert_true(iv_list_empty(&other));
}

static void splicing_an_empty_list_changes_nothing(void **state)
{
	struct iv_list_head empty = IV_LIST_HEAD_INIT(empty);

	(void)state;
	fill();
	iv_list_splice(&empty, &list);
	assert_true(iv_list_empty(&empty));
	iv_list_splice_init(&empty, &list);
	iv_list_splice_tail(&empty, &list);
	assert_true(iv_list_empty(&empty));
	iv_list_splice_tail_init(&empty, &list);
	assert_list(&list, "a b");
	assert_true(iv_list_empty(&empty));
}

static void splicing_into_an_empty_list_moves_all(void **state)
{
	struct iv_list_head empty = IV_LIST_HEAD_INIT(empty);

	(void)state;
	fill();
	iv_list_splice_init(&list, &empty);
	assert_list(&empty, "a b");
	iv_list_splice_tail_init(&empty, &list);
	assert_list(&list, "a b");
}

static void for_each_safe_allows_taking_out(void **state)
{
	struct iv_list_head *lh, *next;

	(void)state;
	fill();
	iv_list_for_each_safe (lh, next, &list)
		iv_list_del(lh);
	assert_true(iv_list_empty(&list));
}

static void container_of_finds_the_object(void **state)
{
	(void)state;
	assert_ptr_equal(iv_container_of(&a.link, struct member, link), &a);
	assert_ptr_equal(iv_list_entry(&b.link, struct member, link), &b);
}

static const struct test_case cases[] = {
	TEST(a_new_list_is_empty),
	TEST(add_puts_in_front),
	TEST(add_tail_puts_at_the_end),
	TEST(del_takes_out),
	TEST(del_init_leaves_an_empty_list),
	TEST(splice_puts_all_in_front),
	TEST(splice_init_empties_the_source),
	TEST(splice_tail_puts_all_at_the_end),
	TEST(splice_tail_init_empties_the_source),
	TEST(splicing_an_empty_list_changes_nothing),
	TEST(splicing_into_an_empty_list_moves_all),
	TEST(for_each_safe_allows_taking_out),
	TEST(container_of_finds_the_object),
};

TEST_MAIN(cases)
