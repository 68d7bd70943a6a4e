/* SPDX-License-Identifier: MIT */
/*
 * iv_list.h - intrusive doubly linked lists, header only
 *
 * A list is a ring: one struct iv_list_head stands for the list, and one is
 * embedded in each member. An empty list points at itself. Nothing here
 * allocates, locks or fails, every call may be made from any thread and
 * without iv_init(); the caller keeps two threads from using one list at
 * the same time.
 *
 * Source: ivykis iv_list(3)
 */
#ifndef IV_LIST_H
#define IV_LIST_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iv_list_head {
	struct iv_list_head *next;
	struct iv_list_head *prev;
};

/* An empty list, as an initialiser and as a statement. */
/* clang-format off */
#define IV_LIST_HEAD_INIT(name) { &(name), &(name) }
/* clang-format on */

#define INIT_IV_LIST_HEAD(head)        \
	do {                           \
		(head)->next = (head); \
		(head)->prev = (head); \
	} while (0)

/* Put @node at the front of the list @head. */
static inline void
iv_list_add(struct iv_list_head *node, struct iv_list_head *head)
{
	node->next = head->next;
	node->prev = head;
	head->next->prev = node;
	head->next = node;
}

/* Put @node at the end of the list @head. */
static inline void
iv_list_add_tail(struct iv_list_head *node, struct iv_list_head *head)
{
	node->next = head;
	node->prev = head->prev;
	head->prev->next = node;
	head->prev = node;
}

/* Take @node out of its list; its own pointers become NULL. */
static inline void iv_list_del(struct iv_list_head *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->prev = NULL;
	node->next = NULL;
}

/* Take @node out of its list and make it an empty list of its own. */
static inline void iv_list_del_init(struct iv_list_head *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	INIT_IV_LIST_HEAD(node);
}

/* Non-zero when the list @head has no members. */
static inline int iv_list_empty(const struct iv_list_head *head)
{
	return head->next == head;
}

/*
 * The four splices move every member of @from into the list @to, at its
 * front or (_tail) at its end, in unchanged order. The _init forms leave
 * @from an empty list, the others leave it to be initialised again.
 */
static inline void
iv_list_splice(struct iv_list_head *from, struct iv_list_head *to)
{
	if (iv_list_empty(from))
		return;

	from->prev->next = to->next;
	to->next->prev = from->prev;
	from->next->prev = to;
	to->next = from->next;
}

static inline void
iv_list_splice_init(struct iv_list_head *from, struct iv_list_head *to)
{
	iv_list_splice(from, to);
	INIT_IV_LIST_HEAD(from);
}

static inline void
iv_list_splice_tail(struct iv_list_head *from, struct iv_list_head *to)
{
	if (iv_list_empty(from))
		return;

	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
}

static inline void
iv_list_splice_tail_init(struct iv_list_head *from, struct iv_list_head *to)
{
	iv_list_splice_tail(from, to);
	INIT_IV_LIST_HEAD(from);
}

/* The object of type @type whose member @member is at @ptr. */
#ifdef __cplusplus
#define iv_container_of(ptr, type, member)                                \
	(reinterpret_cast<type *>(                                        \
		const_cast<char *>(reinterpret_cast<const char *>(ptr)) - \
		offsetof(type, member)))
#else
#define iv_container_of(ptr, type, member) \
	((type *)(void *)(((char *)(ptr)) - offsetof(type, member)))
#endif

#define iv_list_entry(ptr, type, member) iv_container_of(ptr, type, member)

/* Visit every member; @lh is a struct iv_list_head pointer of the caller. */
#define iv_list_for_each(lh, head) \
	for ((lh) = (head)->next; (lh) != (head); (lh) = (lh)->next)

/* The same when the body may take @lh out; @next_lh is a second pointer. */
#define iv_list_for_each_safe(lh, next_lh, head)                          \
	for ((lh) = (head)->next, (next_lh) = (lh)->next; (lh) != (head); \
	     (lh) = (next_lh), (next_lh) = (lh)->next)

#ifdef __cplusplus
}
#endif

#endif
