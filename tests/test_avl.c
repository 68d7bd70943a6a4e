/* SPDX-License-Identifier: MIT */
/*
 * test_avl.c - balanced trees
 */
#include <stdlib.h>
#include <string.h>
#include <iv_avl.h>
#include <iv_list.h>
#include "harness.h"

enum { MANY = 20000 };

struct number {
	struct iv_avl_node node;
	int value;
};

static int compare(const struct iv_avl_node *a, const struct iv_avl_node *b)
{
	int x = iv_container_of(a, struct number, node)->value;
	int y = iv_container_of(b, struct number, node)->value;

	return (x > y) - (x < y);
}

static struct iv_avl_tree tree = IV_AVL_TREE_INIT(compare);

static int value_of(const struct iv_avl_node *node)
{
	return iv_container_of(node, struct number, node)->value;
}

/* Height of a subtree whose order, links back and balance are all checked. */
static int
check(const struct iv_avl_node *node, const struct iv_avl_node *parent)
{
	int left, right;

	if (node == NULL)
		return 0;

	assert_ptr_equal(node->parent, parent);
	left = check(node->left, node);
	right = check(node->right, node);
	assert_in_range(left - right + 1, 0, 2);
	if (node->left != NULL)
		assert_true(compare(node->left, node) < 0);
	if (node->right != NULL)
		assert_true(compare(node->right, node) > 0);

	return 1 + (left > right ? left : right);
}

/* Members, counted both ways; each must be greater than the one before. */
static int count_members(void)
{
	struct iv_avl_node *node, *last = NULL;
	int up = 0, down = 0;

	iv_avl_tree_for_each (node, &tree) {
		if (last != NULL)
			assert_true(compare(last, node) < 0);
		last = node;
		up++;
	}
	assert_ptr_equal(last, iv_avl_tree_max(&tree));
	for (node = last; node != NULL; node = iv_avl_tree_prev(node))
		down++;
	assert_int_equal(up, down);

	return up;
}

static struct number *make_numbers(int num)
{
	struct number *numbers = malloc((size_t)num * sizeof(*numbers));
	int i;

	assert_non_null(numbers);
	for (i = 0; i < num; i++)
		numbers[i].value = i;

	return numbers;
}

/* 7919 is prime and no divisor of any count used here: visits all. */
static int scattered(int i, int num)
{
	return (int)((int64_t)i * 7919 % num);
}

static void a_new_tree_is_empty(void **state)
{
	struct iv_avl_tree local;

	(void)state;
	INIT_IV_AVL_TREE(&local, compare);
	assert_true(iv_avl_tree_empty(&local));
	assert_true(iv_avl_tree_empty(&tree));
	assert_null(iv_avl_tree_min(&tree));
	assert_null(iv_avl_tree_max(&tree));
	assert_null(iv_avl_tree_next_safe(NULL));
}

static void members_are_in_order(void **state)
{
	struct number *numbers = make_numbers(MANY);
	int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		struct number *n = &numbers[scattered(i, MANY)];

		assert_int_equal(iv_avl_tree_insert(&tree, &n->node), 0);
	}
	assert_int_equal(count_members(), MANY);
	assert_int_equal(value_of(iv_avl_tree_min(&tree)), 0);
	assert_int_equal(value_of(iv_avl_tree_max(&tree)), MANY - 1);
	assert_false(iv_avl_tree_empty(&tree));
	free(numbers);
}

static void a_tree_stays_balanced(void **state)
{
	struct number *numbers = make_numbers(MANY);
	int i;

	(void)state;
	for (i = 0; i < MANY; i++)
		assert_int_equal(iv_avl_tree_insert(&tree, &numbers[i].node),
				 0);
	/* 1.44 log2(20000) is 20.6. */
	assert_in_range(check(tree.root, NULL), 15, 20);
	for (i = 0; i < MANY; i++) {
		if (i % 16 != 0)
			iv_avl_tree_delete(&tree, &numbers[i].node);
	}
	assert_in_range(check(tree.root, NULL), 11, 14);
	assert_int_equal(count_members(), MANY / 16);
	free(numbers);
}

static void inserting_and_deleting_in_every_order_keeps_it_right(void **state)
{
	struct number *numbers = make_numbers(127);
	int order, i;

	(void)state;
	for (order = 1; order < 127; order++) {
		for (i = 0; i < 127; i++) {
			struct number *n = &numbers[i * order % 127];

			assert_int_equal(iv_avl_tree_insert(&tree, &n->node),
					 0);
			check(tree.root, NULL);
		}
		for (i = 0; i < 127; i++) {
			struct number *n = &numbers[i * (127 - order) % 127];

			iv_avl_tree_delete(&tree, &n->node);
			check(tree.root, NULL);
		}
		assert_true(iv_avl_tree_empty(&tree));
	}
	free(numbers);
}

static void inserting_an_equal_one_is_refused(void **state)
{
	struct number first = { .value = 5 }, second = { .value = 5 };

	(void)state;
	assert_int_equal(iv_avl_tree_insert(&tree, &first.node), 0);
	assert_int_equal(iv_avl_tree_insert(&tree, &second.node), -1);
	assert_ptr_equal(tree.root, &first.node);
	assert_int_equal(count_members(), 1);
	iv_avl_tree_delete(&tree, &first.node);
	assert_int_equal(iv_avl_tree_insert(&tree, &second.node), 0);
	assert_int_equal(count_members(), 1);
}

static void next_and_prev_end_with_null(void **state)
{
	struct number *numbers = make_numbers(3);
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		iv_avl_tree_insert(&tree, &numbers[i].node);
	assert_ptr_equal(iv_avl_tree_next(&numbers[0].node), &numbers[1].node);
	assert_ptr_equal(iv_avl_tree_prev(&numbers[1].node), &numbers[0].node);
	assert_null(iv_avl_tree_next(&numbers[2].node));
	assert_null(iv_avl_tree_prev(&numbers[0].node));
	assert_ptr_equal(iv_avl_tree_next_safe(&numbers[1].node),
			 &numbers[2].node);
	free(numbers);
}

static void for_each_safe_allows_deleting(void **state)
{
	struct number *numbers = make_numbers(1000);
	struct iv_avl_node *node, *next;
	int i, seen = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		iv_avl_tree_insert(&tree, &numbers[scattered(i, 1000)].node);
	iv_avl_tree_for_each_safe (node, next, &tree) {
		assert_int_equal(value_of(node), seen++);
		iv_avl_tree_delete(&tree, node);
		memset(node, 0xa5, sizeof(*node));
	}
	assert_int_equal(seen, 1000);
	assert_true(iv_avl_tree_empty(&tree));
	free(numbers);
}

static void insert_does_not_look_at_old_contents(void **state)
{
	struct number number;

	(void)state;
	memset(&number, 0xa5, sizeof(number));
	number.value = 1;
	assert_int_equal(iv_avl_tree_insert(&tree, &number.node), 0);
	check(tree.root, NULL);
	assert_int_equal(count_members(), 1);
	iv_avl_tree_delete(&tree, &number.node);
}

static const struct test_case cases[] = {
	TEST(a_new_tree_is_empty),
	TEST(members_are_in_order),
	TEST(a_tree_stays_balanced),
	TEST(inserting_and_deleting_in_every_order_keeps_it_right),
	TEST(inserting_an_equal_one_is_refused),
	TEST(next_and_prev_end_with_null),
	TEST(for_each_safe_allows_deleting),
	TEST(insert_does_not_look_at_old_contents),
};

TEST_MAIN(cases)
