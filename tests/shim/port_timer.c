/* SPDX-License-Identifier: MIT */
/*
 * port_timer.c - timers that tell a port of their expiring, over timerfd
 *
 * A timer_t of ours is the address of our struct; any other belongs to the
 * system, as do timers that notify in other ways.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include "port_private.h"

static struct iv_list_head timers = IV_LIST_HEAD_INIT(timers);

static struct timer *find_locked(timer_t id)
{
	struct iv_list_head *lh;

	iv_list_for_each (lh, &timers) {
		struct timer *timer = iv_container_of(lh, struct timer, all);

		if (timer == id)
			return timer;
	}

	return NULL;
}

static void close_locked(struct timer *timer)
{
	iv_list_del(&timer->all);
	if (timer->port != NULL) {
		shim_port_dequeue_locked(timer->port, &timer->item);
		timer->port->num_items--;
		shim_port_kick_locked(timer->port);
	}
	close(timer->fd);
	free(timer);
}

/* 0 or -1; the system keeps what it allocates a timer from. */
static int watch(struct timer *timer)
{
	struct epoll_event ev = {
		.events = EPOLLIN,
		.data.u64 = SHIM_PORT_TIMER | (uint32_t)timer->fd,
	};

	return epoll_ctl(timer->port->fd, EPOLL_CTL_ADD, timer->fd, &ev);
}

static struct timer *create_locked(clockid_t clock, const port_notify_t *notify)
{
	struct port *port = shim_port_find_locked(notify->portnfy_port);
	struct timer *timer;

	if (port == NULL || !shim_port_count_locked(port))
		return NULL;

	timer = calloc(1, sizeof(*timer));
	if (timer == NULL)
		goto err_count;
	INIT_IV_LIST_HEAD(&timer->item.queued);
	timer->item.event.portev_source = PORT_SOURCE_TIMER;
	timer->item.event.portev_object = (uintptr_t)timer;
	timer->item.event.portev_user = notify->portnfy_user;
	timer->port = port;
	timer->fd = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer->fd < 0)
		goto err_free;
	if (watch(timer) < 0)
		goto err_close;
	iv_list_add_tail(&timer->all, &timers);

	return timer;

err_close:
	close(timer->fd);
err_free:
	free(timer);
err_count:
	port->num_items--;

	return NULL;
}

int shim_port_timer_create(clockid_t clock, struct sigevent *event,
			   timer_t *timer)
{
	struct timer *created;

	if (event == NULL || event->sigev_notify != SIGEV_PORT)
		return timer_create(clock, event, timer);

	shim_port_lock();
	created = create_locked(clock, event->sigev_value.sival_ptr);
	shim_port_unlock();
	if (created == NULL)
		return -1;
	*timer = created;

	return 0;
}

int shim_port_timer_settime(timer_t id, int flags,
			    const struct itimerspec *value,
			    struct itimerspec *old)
{
	struct timer *timer;
	int ret = 0;

	shim_port_lock();
	timer = find_locked(id);
	if (timer != NULL)
		ret = timerfd_settime(timer->fd,
				      flags & TIMER_ABSTIME ? TFD_TIMER_ABSTIME
							    : 0,
				      value, old);
	shim_port_unlock();

	return timer != NULL ? ret : timer_settime(id, flags, value, old);
}

int shim_port_timer_delete(timer_t id)
{
	struct timer *timer;

	shim_port_lock();
	timer = find_locked(id);
	if (timer != NULL)
		close_locked(timer);
	shim_port_unlock();

	return timer != NULL ? 0 : timer_delete(id);
}

/* One event, however often it has expired before that is retrieved. */
void shim_port_timer_fired_locked(struct port *port, int fd)
{
	struct iv_list_head *lh;
	uint64_t count;

	iv_list_for_each (lh, &timers) {
		struct timer *timer = iv_container_of(lh, struct timer, all);

		if (timer->fd != fd || timer->port != port)
			continue;
		if (read(fd, &count, sizeof(count)) < 0)
			return;
		if (iv_list_empty(&timer->item.queued)) {
			timer->item.event.portev_events = 0;
			shim_port_enqueue_locked(port, &timer->item);
		}
		timer->item.event.portev_events += (int)count;
		return;
	}
}

void shim_port_timers_orphan_locked(const struct port *port)
{
	struct iv_list_head *lh;

	iv_list_for_each (lh, &timers) {
		struct timer *timer = iv_container_of(lh, struct timer, all);

		if (timer->port == port) {
			iv_list_del_init(&timer->item.queued);
			timer->port = NULL;
		}
	}
}

void shim_port_timers_forked_locked(void)
{
	while (!iv_list_empty(&timers))
		close_locked(iv_container_of(timers.next, struct timer, all));
}
