/* SPDX-License-Identifier: MIT */
/*
 * iv_avl.h - intrusive balanced search trees
 *
 * A struct iv_avl_node is embedded in each member; the tree's compare
 * function orders two nodes (negative, zero, positive, like strcmp) and
 * must give the same answer for as long as they are members. Nothing here
 * allocates or locks; every call may be made from any thread and without
 * iv_init(); the caller keeps two threads from using one tree at the same
 * time. A node's memory is the caller's and stays until it was deleted.
 *
 * Source: ivykis iv_avl(3)
 */
#ifndef IV_AVL_H
#define IV_AVL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iv_avl_node {
	struct iv_avl_node *left;
	struct iv_avl_node *right;
	struct iv_avl_node *parent;
	uint8_t height;
};

struct iv_avl_tree {
	int (*compare)(const struct iv_avl_node *a,
		       const struct iv_avl_node *b);
	struct iv_avl_node *root;
};

/* clang-format off */
#define IV_AVL_TREE_INIT(comp) { (comp), NULL }
/* clang-format on */

#define INIT_IV_AVL_TREE(tree, comp)      \
	do {                              \
		(tree)->compare = (comp); \
		(tree)->root = NULL;      \
	} while (0)

/*
 * iv_avl_tree_insert - add a node to a tree, in O(log n)
 * @tree: initialised
 * @node: not in a tree; its old contents do not matter
 *
 * Returns 0, or -1 when a node that compares equal is already there; the
 * tree is then unchanged.
 */
int iv_avl_tree_insert(struct iv_avl_tree *tree, struct iv_avl_node *node);

/* iv_avl_tree_delete - take out a node that is in the tree, in O(log n) */
void iv_avl_tree_delete(struct iv_avl_tree *tree, struct iv_avl_node *node);

/* iv_avl_tree_next - the node after @node in order, or NULL */
struct iv_avl_node *iv_avl_tree_next(struct iv_avl_node *node);

/* iv_avl_tree_prev - the node before @node in order, or NULL */
struct iv_avl_node *iv_avl_tree_prev(struct iv_avl_node *node);

/* Non-zero when the tree has no nodes. */
static inline int iv_avl_tree_empty(const struct iv_avl_tree *tree)
{
	return tree->root == NULL;
}

/* The first node in order, or NULL. */
static inline struct iv_avl_node *
iv_avl_tree_min(const struct iv_avl_tree *tree)
{
	struct iv_avl_node *node = tree->root;

	while (node != NULL && node->left != NULL)
		node = node->left;

	return node;
}

/* The last node in order, or NULL. */
static inline struct iv_avl_node *
iv_avl_tree_max(const struct iv_avl_tree *tree)
{
	struct iv_avl_node *node = tree->root;

	while (node != NULL && node->right != NULL)
		node = node->right;

	return node;
}

/* The node after @node, or NULL, where @node itself may be NULL. */
static inline struct iv_avl_node *
iv_avl_tree_next_safe(struct iv_avl_node *node)
{
	return node != NULL ? iv_avl_tree_next(node) : NULL;
}

/* Visit every node in order; @node is a struct iv_avl_node pointer. */
#define iv_avl_tree_for_each(node, tree)                     \
	for ((node) = iv_avl_tree_min(tree); (node) != NULL; \
	     (node) = iv_avl_tree_next(node))

/* The same when the body may delete @node; @next_node: a second pointer. */
#define iv_avl_tree_for_each_safe(node, next_node, tree) \
	for ((node) = iv_avl_tree_min(tree),             \
	    (next_node) = iv_avl_tree_next_safe(node);   \
	     (node) != NULL;                             \
	     (node) = (next_node), (next_node) = iv_avl_tree_next_safe(node))

#ifdef __cplusplus
}
#endif

#endif
