/* SPDX-License-Identifier: MIT */
/*
 * avl.c - balanced search trees
 *
 * The heights of a node's two subtrees differ by at most one, so that a tree
 * of n nodes is at most 1.44 log2(n) high: a uint8_t holds any height, and no
 * call needs a stack.
 */
#include <iv_avl.h>
#include "loop.h"

static int height(const struct iv_avl_node *node)
{
	return node != NULL ? node->height : 0;
}

static int balance(const struct iv_avl_node *node)
{
	return height(node->right) - height(node->left);
}

static void update_height(struct iv_avl_node *node)
{
	int left = height(node->left);
	int right = height(node->right);

	node->height = (uint8_t)(1 + (left > right ? left : right));
}

/* The pointer in the tree that points to @node. */
static struct iv_avl_node **
place_of(struct iv_avl_tree *tree, const struct iv_avl_node *node)
{
	if (node->parent == NULL)
		return &tree->root;
	if (node->parent->left == node)
		return &node->parent->left;

	return &node->parent->right;
}

/* Have @child, which may be NULL, stand where @place points to. */
static void attach(struct iv_avl_node **place, struct iv_avl_node *parent,
		   struct iv_avl_node *child)
{
	*place = child;
	if (child != NULL)
		child->parent = parent;
}

/*
 *	    node            right
 *	   /    \           /   \
 *	  a    right  ->  node   c     and the other way round
 *	       /   \      /  \
 *	      b     c    a    b
 */
static struct iv_avl_node *
rotate_left(struct iv_avl_tree *tree, struct iv_avl_node *node)
{
	struct iv_avl_node *right = node->right;

	attach(place_of(tree, node), node->parent, right);
	attach(&node->right, node, right->left);
	attach(&right->left, right, node);
	update_height(node);
	update_height(right);

	return right;
}

static struct iv_avl_node *
rotate_right(struct iv_avl_tree *tree, struct iv_avl_node *node)
{
	struct iv_avl_node *left = node->left;

	attach(place_of(tree, node), node->parent, left);
	attach(&node->left, node, left->right);
	attach(&left->right, left, node);
	update_height(node);
	update_height(left);

	return left;
}

/* Balance a subtree whose own subtrees are balanced; returns its new top. */
static struct iv_avl_node *
rebalance(struct iv_avl_tree *tree, struct iv_avl_node *node)
{
	if (balance(node) > 1) {
		if (balance(node->right) < 0)
			rotate_right(tree, node->right);
		return rotate_left(tree, node);
	}
	if (balance(node) < -1) {
		if (balance(node->left) > 0)
			rotate_left(tree, node->left);
		return rotate_right(tree, node);
	}
	update_height(node);

	return node;
}

/* From @node, whose children changed, to where the height stays the same. */
static void
rebalance_upwards(struct iv_avl_tree *tree, struct iv_avl_node *node)
{
	while (node != NULL) {
		int old_height = node->height;

		node = rebalance(tree, node);
		if (node->height == old_height)
			return;
		node = node->parent;
	}
}

IV__PUBLIC int
iv_avl_tree_insert(struct iv_avl_tree *tree, struct iv_avl_node *node)
{
	struct iv_avl_node **place = &tree->root;
	struct iv_avl_node *parent = NULL;

	while (*place != NULL) {
		int order;

		parent = *place;
		order = tree->compare(node, parent);
		if (order == 0)
			return -1;
		place = order < 0 ? &parent->left : &parent->right;
	}

	node->left = NULL;
	node->right = NULL;
	node->height = 1;
	attach(place, parent, node);
	rebalance_upwards(tree, parent);

	return 0;
}

/* Put @heir, the next one in order, which has no left child, there instead. */
static void replace_by_heir(struct iv_avl_tree *tree, struct iv_avl_node *node,
			    struct iv_avl_node *heir)
{
	struct iv_avl_node *changed = heir->parent;

	if (changed == node) {
		changed = heir;
	} else {
		attach(&changed->left, changed, heir->right);
		attach(&heir->right, heir, node->right);
	}
	attach(&heir->left, heir, node->left);
	attach(place_of(tree, node), node->parent, heir);
	heir->height = node->height;
	rebalance_upwards(tree, changed);
}

IV__PUBLIC void
iv_avl_tree_delete(struct iv_avl_tree *tree, struct iv_avl_node *node)
{
	if (node->left != NULL && node->right != NULL) {
		replace_by_heir(tree, node, iv_avl_tree_next(node));
		return;
	}

	attach(place_of(tree, node), node->parent,
	       node->left != NULL ? node->left : node->right);
	rebalance_upwards(tree, node->parent);
}

IV__PUBLIC struct iv_avl_node *iv_avl_tree_next(struct iv_avl_node *node)
{
	if (node->right != NULL) {
		node = node->right;
		while (node->left != NULL)
			node = node->left;
		return node;
	}

	while (node->parent != NULL && node->parent->right == node)
		node = node->parent;

	return node->parent;
}

IV__PUBLIC struct iv_avl_node *iv_avl_tree_prev(struct iv_avl_node *node)
{
	if (node->left != NULL) {
		node = node->left;
		while (node->right != NULL)
			node = node->right;
		return node;
	}

	while (node->parent != NULL && node->parent->left == node)
		node = node->parent;

	return node->parent;
}
