/* SPDX-License-Identifier: MIT */
/*
 * port_send.c - Solaris's event ports over epoll: what is sent to them, and
 * alert mode
 *
 * port_send() may be called in a signal handler, where malloc() may not. So
 * what is sent lies in pages of the port's own.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include "port_private.h"

enum { PAGE_ITEMS = 127 };

struct page {
	struct page *next;
	struct item items[PAGE_ITEMS];
};

static int fail(int error)
{
	errno = error;

	return -1;
}

static bool add_page(struct port *port)
{
	struct page *page;
	int i;

	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return false;

	page->next = port->pages;
	port->pages = page;
	for (i = 0; i < PAGE_ITEMS; i++)
		iv_list_add_tail(&page->items[i].queued, &port->spare);

	return true;
}

static struct item *allocate(struct port *port)
{
	struct item *item;

	if (iv_list_empty(&port->spare) && !add_page(port))
		return NULL;

	item = iv_container_of(port->spare.next, struct item, queued);
	iv_list_del(&item->queued);

	return item;
}

void shim_port_free_sent_locked(struct port *port)
{
	while (port->pages != NULL) {
		struct page *page = port->pages;

		port->pages = page->next;
		munmap(page, sizeof(*page));
	}
}

static int send_locked(int fd, int events, void *user)
{
	struct port *port = shim_port_find_locked(fd);
	struct item *item;

	if (port == NULL || !shim_port_count_locked(port))
		return -1;

	item = allocate(port);
	if (item == NULL) {
		port->num_items--;
		return fail(ENOMEM);
	}

	item->event = (port_event_t){
		.portev_events = events,
		.portev_source = PORT_SOURCE_USER,
		.portev_user = user,
	};
	shim_port_harvest_locked(port);
	shim_port_enqueue_locked(port, item);
	shim_port_kick_locked(port);

	return 0;
}

int port_send(int fd, int events, void *user)
{
	int ret;

	shim_port_lock();
	ret = send_locked(fd, events, user);
	shim_port_unlock();

	return ret;
}

int port_sendn(int fds[], int errors[], uint_t num, int events, void *user)
{
	uint_t num_sent = 0;
	uint_t i;

	if (num == 0)
		return fail(EINVAL);
	if (fds == NULL || errors == NULL)
		return fail(EFAULT);

	for (i = 0; i < num; i++) {
		errors[i] = port_send(fds[i], events, user) < 0 ? errno : 0;
		num_sent += errors[i] == 0;
	}

	return (int)num_sent;
}

int port_alert(int fd, int flags, int events, void *user)
{
	struct port *port;
	int ret = 0;

	shim_port_lock();
	port = shim_port_find_locked(fd);
	if (port == NULL)
		ret = -1;
	else if (flags != PORT_ALERT_SET && flags != PORT_ALERT_UPDATE)
		ret = fail(EINVAL);
	else if (flags == PORT_ALERT_UPDATE && port->alert_events != 0)
		ret = fail(EBUSY);
	if (ret == 0) {
		port->alert_events = events;
		port->alert_user = user;
		shim_port_kick_locked(port);
	}
	shim_port_unlock();

	return ret;
}
