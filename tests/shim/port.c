/* SPDX-License-Identifier: MIT */
/*
 * port.c - Solaris's event ports over epoll: ports, and what is associated
 * with them
 *
 * An association is a one-shot entry of the epoll set. What epoll cannot
 * watch, a regular file, is always ready, as poll(2) has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include "port_private.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t waiter_left = PTHREAD_COND_INITIALIZER;
static struct iv_list_head ports = IV_LIST_HEAD_INIT(ports);
static uint_t max_events = 65536;
unsigned int shim_port_quirks;

/* What to give back when the mutex is released. */
static _Thread_local sigset_t saved_mask;
static _Thread_local int saved_cancel;

void shim_port_lock(void)
{
	sigset_t all;
	sigset_t mask;
	int cancel;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &mask);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&mutex);
	saved_mask = mask;
	saved_cancel = cancel;
}

void shim_port_unlock(void)
{
	sigset_t mask = saved_mask;
	int cancel = saved_cancel;

	pthread_mutex_unlock(&mutex);
	pthread_setcancelstate(cancel, NULL);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

/* Let all who wait go, and wait for that. */
static void expel_locked(struct port *port)
{
	port->closed = true;
	shim_port_kick_locked(port);
	while (!iv_list_empty(&port->waiters))
		pthread_cond_wait(&waiter_left, &mutex);
}

void shim_port_waiter_left_locked(void)
{
	pthread_cond_broadcast(&waiter_left);
}

/* Timers are not inherited, and threads that wait are not either. */
static void in_child(void)
{
	struct iv_list_head *lh;

	iv_list_for_each (lh, &ports) {
		struct port *port = iv_container_of(lh, struct port, all);

		INIT_IV_LIST_HEAD(&port->waiters);
	}
	shim_port_timers_forked_locked();
	shim_port_unlock();
}

/* Ahead of the library's: so a fork takes this lock behind all of its. */
__attribute__((constructor(101))) static void load(void)
{
	const char *quirks = getenv("SHIM_PORT_QUIRKS");

	if (quirks != NULL)
		shim_port_quirks = (unsigned int)atoi(quirks);
	pthread_atfork(shim_port_lock, shim_port_unlock, in_child);
}

void shim_port_set_quirks(unsigned int quirks)
{
	shim_port_lock();
	shim_port_quirks = quirks;
	shim_port_unlock();
}

void shim_port_set_max_events(unsigned int num)
{
	shim_port_lock();
	max_events = num;
	shim_port_unlock();
}

static struct port *find_locked(int fd)
{
	struct iv_list_head *lh;

	iv_list_for_each (lh, &ports) {
		struct port *port = iv_container_of(lh, struct port, all);

		if (port->fd == fd)
			return port;
	}

	return NULL;
}

/* A child's events cannot reach its parent here: better none than some. */
struct port *shim_port_find_locked(int fd)
{
	struct port *port = find_locked(fd);

	if (port == NULL && fcntl(fd, F_GETFD) >= 0)
		errno = EBADFD;
	if (port != NULL && port->creator != getpid()) {
		errno = ENOTSUP;
		return NULL;
	}

	return port;
}

static int watch(struct port *port, int op, int fd, uint32_t events,
		 uint32_t number, uint32_t generation)
{
	struct epoll_event ev = {
		.events = events,
		.data.u64 = (uint64_t)generation << 32 | number,
	};

	return epoll_ctl(port->fd, op, fd, &ev);
}

static struct port *allocate(void)
{
	struct port *port;

	port = calloc(1, sizeof(*port));
	if (port == NULL)
		return NULL;

	INIT_IV_LIST_HEAD(&port->waiters);
	INIT_IV_LIST_HEAD(&port->queue);
	INIT_IV_LIST_HEAD(&port->spare);
	port->creator = getpid();

	return port;
}

int port_create(void)
{
	struct port *port;

	port = allocate();
	if (port == NULL) {
		errno = EAGAIN;
		return -1;
	}

	port->fd = epoll_create1(0);
	if (port->fd < 0)
		goto err_free;
	port->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (port->kick < 0)
		goto err_close;
	if (watch(port, EPOLL_CTL_ADD, port->kick, EPOLLIN, SHIM_PORT_KICK, 0) <
	    0)
		goto err_close_both;

	shim_port_lock();
	port->max_items = max_events;
	iv_list_add_tail(&port->all, &ports);
	shim_port_unlock();

	return port->fd;

err_close_both:
	close(port->kick);
err_close:
	close(port->fd);
err_free:
	free(port);

	return -1;
}

/* Events of descriptors that are not associated any more: a quirk. */
static void free_left_over(struct port *port)
{
	while (!iv_list_empty(&port->queue)) {
		struct item *item =
			iv_container_of(port->queue.next, struct item, queued);

		iv_list_del_init(&item->queued);
		if (item->event.portev_source == PORT_SOURCE_FD)
			free(item);
	}
}

static void destroy(struct port *port)
{
	int i;

	for (i = 0; i < port->num_by_number; i++) {
		if (port->by_number[i] == NULL)
			continue;
		iv_list_del(&port->by_number[i]->queued);
		free(port->by_number[i]);
	}
	free_left_over(port);
	shim_port_free_sent_locked(port);
	close(port->kick);
	free(port->by_number);
	free(port);
}

int shim_port_close(int fd)
{
	struct port *port;

	shim_port_lock();
	port = find_locked(fd);
	if (port != NULL) {
		iv_list_del(&port->all);
		expel_locked(port);
		shim_port_timers_orphan_locked(port);
		destroy(port);
	}
	shim_port_unlock();

	return close(fd);
}

void shim_port_enqueue_locked(struct port *port, struct item *item)
{
	iv_list_add_tail(&item->queued, &port->queue);
	port->num_queued++;
}

void shim_port_dequeue_locked(struct port *port, struct item *item)
{
	if (!iv_list_empty(&item->queued)) {
		iv_list_del_init(&item->queued);
		port->num_queued--;
	}
}

bool shim_port_count_locked(struct port *port)
{
	if (port->num_items >= port->max_items) {
		errno = EAGAIN;
		return false;
	}
	port->num_items++;

	return true;
}

static bool reserve(struct port *port, int fd)
{
	int num = port->num_by_number;
	struct item **grown;

	if (fd < num)
		return true;

	num = num > fd / 2 ? 2 * num : fd + 16;
	grown = realloc(port->by_number, (size_t)num * sizeof(*grown));
	if (grown == NULL)
		return false;

	memset(grown + port->num_by_number, 0,
	       (size_t)(num - port->num_by_number) * sizeof(*grown));
	port->by_number = grown;
	port->num_by_number = num;

	return true;
}

/* The association of @fd, a new one when there is none; or NULL. */
static struct item *get_item(struct port *port, int fd)
{
	struct item *item;

	if (!reserve(port, fd))
		return NULL;
	if (port->by_number[fd] != NULL)
		return port->by_number[fd];
	if (!shim_port_count_locked(port))
		return NULL;

	item = calloc(1, sizeof(*item));
	if (item == NULL) {
		port->num_items--;
		return NULL;
	}

	INIT_IV_LIST_HEAD(&item->queued);
	port->by_number[fd] = item;

	return item;
}

static void forget(struct port *port, int fd)
{
	struct item *item = port->by_number[fd];

	port->by_number[fd] = NULL;
	if ((shim_port_quirks & SHIM_PORT_STALE) &&
	    !iv_list_empty(&item->queued))
		return;

	shim_port_dequeue_locked(port, item);
	port->num_items--;
	free(item);
}

/* A regular file has no transitions: its event is there at once. */
static int arm(struct port *port, struct item *item, int fd, int events)
{
	uint32_t bands = (uint32_t)events | EPOLLONESHOT;
	int ret;

	item->generation = ++port->generation;
	ret = watch(port, EPOLL_CTL_MOD, fd, bands, (uint32_t)fd,
		    item->generation);
	if (ret < 0 && errno == ENOENT)
		ret = watch(port, EPOLL_CTL_ADD, fd, bands, (uint32_t)fd,
			    item->generation);
	if (ret == 0 || errno != EPERM)
		return ret;

	item->event.portev_events = events & (POLLIN | POLLOUT);
	if (item->event.portev_events != 0)
		shim_port_enqueue_locked(port, item);

	return 0;
}

static int associate_locked(struct port *port, int fd, int events, void *user)
{
	struct item *item;

	item = get_item(port, fd);
	if (item == NULL)
		return -1;

	shim_port_dequeue_locked(port, item);
	item->event.portev_source = PORT_SOURCE_FD;
	item->event.portev_object = (uintptr_t)fd;
	item->event.portev_user = user;
	if (arm(port, item, fd, events) < 0) {
		forget(port, fd);
		return -1;
	}
	shim_port_kick_locked(port);

	return 0;
}

static int fail(int error)
{
	errno = error;

	return -1;
}

static bool is_descriptor(uintptr_t object)
{
	return object <= INT32_MAX && fcntl((int)object, F_GETFD) >= 0;
}

int port_associate(int fd, int source, uintptr_t object, int events, void *user)
{
	struct port *port;
	int ret;

	shim_port_lock();
	port = shim_port_find_locked(fd);
	if (port == NULL)
		ret = -1;
	else if (source != PORT_SOURCE_FD)
		ret = fail(EINVAL);
	else if (!is_descriptor(object))
		ret = fail(EBADFD);
	else
		ret = associate_locked(port, (int)object, events, user);
	shim_port_unlock();

	return ret;
}

static int dissociate_locked(struct port *port, int fd)
{
	struct epoll_event unused;

	if (fd >= port->num_by_number || port->by_number[fd] == NULL)
		return fail(ENOENT);
	shim_port_harvest_locked(port);
	epoll_ctl(port->fd, EPOLL_CTL_DEL, fd, &unused);
	forget(port, fd);
	shim_port_kick_locked(port);

	return 0;
}

int port_dissociate(int fd, int source, uintptr_t object)
{
	struct port *port;
	int ret;

	shim_port_lock();
	port = shim_port_find_locked(fd);
	if (port == NULL)
		ret = errno == ENOTSUP ? fail(EACCES) : -1;
	else if (source != PORT_SOURCE_FD)
		ret = fail(EINVAL);
	else if (!is_descriptor(object))
		ret = fail(EBADFD);
	else
		ret = dissociate_locked(port, (int)object);
	shim_port_unlock();

	return ret;
}
