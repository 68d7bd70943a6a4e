/* Users in order of their numbers, and a search by number. */
#include <stdio.h>
#include <iv_avl.h>
#include <iv_list.h>

struct user {
	int id;
	const char *name;
	struct iv_avl_node node;
};

static struct user *user_of(const struct iv_avl_node *node)
{
	return iv_container_of(node, struct user, node);
}

static int compare(const struct iv_avl_node *a, const struct iv_avl_node *b)
{
	int x = user_of(a)->id;
	int y = user_of(b)->id;

	return (x > y) - (x < y);
}

static struct user *find(const struct iv_avl_tree *tree, int id)
{
	struct iv_avl_node *node = tree->root;

	while (node != NULL && user_of(node)->id != id)
		node = id < user_of(node)->id ? node->left : node->right;

	return node != NULL ? user_of(node) : NULL;
}

int main(void)
{
	struct user users[] = { { .id = 7, .name = "Grace" },
				{ .id = 3, .name = "Edsger" },
				{ .id = 3, .name = "Barbara" } };
	struct iv_avl_tree tree = IV_AVL_TREE_INIT(compare);
	struct iv_avl_node *node;
	int i;

	for (i = 0; i < 3; i++) {
		if (iv_avl_tree_insert(&tree, &users[i].node) < 0)
			printf("%d is taken, %s\n", users[i].id, users[i].name);
	}

	iv_avl_tree_for_each (node, &tree)
		printf("%d %s\n", user_of(node)->id, user_of(node)->name);
	printf("7 is %s\n", find(&tree, 7)->name);

	return 0;
}
