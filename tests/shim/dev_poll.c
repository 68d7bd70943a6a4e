/* SPDX-License-Identifier: MIT */
/*
 * dev_poll.c - Solaris's /dev/poll over poll(2)
 *
 * A set is an array of pollfd, kept by descriptor number, as the manual says:
 * a number that was closed answers POLLNVAL, one that was opened again is the
 * new file. poll() has the same memory, so it does the waiting.
 *
 * What stands for a set's descriptor is the writing end of a pipe without a
 * reader: polling that gives POLLERR, as polling /dev/poll does.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <sys/devpoll.h>

#undef open
#undef write
#undef ioctl
#undef close

struct set {
	struct set *next;
	int fd;
	pid_t owner; /* to others the content is closed */
	int num;
	int capacity;
	struct pollfd *entries;
	int num_places;
	int *places; /* by descriptor number: in entries, or -1 */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct set *sets;

static void lock(void)
{
	pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

/* Ahead of the library's: so a fork takes this lock behind all of its. */
__attribute__((constructor(101))) static void load(void)
{
	pthread_atfork(lock, unlock, unlock);
}

static struct set **find_locked(int fd)
{
	struct set **link = &sets;

	while (*link != NULL && (*link)->fd != fd)
		link = &(*link)->next;

	return link;
}

static int fail(int error)
{
	errno = error;

	return -1;
}

static int open_set(int flags)
{
	struct set *set;
	int fds[2];

	if ((flags & O_ACCMODE) != O_RDWR)
		return fail(EACCES);

	set = calloc(1, sizeof(*set));
	if (set == NULL)
		return -1;
	if (pipe2(fds, flags & O_CLOEXEC) < 0) {
		free(set);
		return -1;
	}

	close(fds[0]);
	set->fd = fds[1];
	set->owner = getpid();
	lock();
	set->next = sets;
	sets = set;
	unlock();

	return fds[1];
}

int shim_dev_poll_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if (strcmp(path, "/dev/poll") == 0)
		return open_set(flags);

	if (flags & O_CREAT) {
		va_start(args, flags);
		mode = (mode_t)va_arg(args, unsigned int);
		va_end(args);
	}

	return open(path, flags, mode);
}

int shim_dev_poll_close(int fd)
{
	struct set **link;
	struct set *set;

	lock();
	link = find_locked(fd);
	set = *link;
	if (set != NULL)
		*link = set->next;
	unlock();

	if (set != NULL) {
		free(set->entries);
		free(set->places);
		free(set);
	}

	return close(fd);
}

/* Room for one more entry, and for descriptor @fd. 0 or an error. */
static int reserve(struct set *set, int fd)
{
	int capacity = set->capacity > 0 ? 2 * set->capacity : 16;
	int num_places = set->num_places > fd / 2 ? 2 * set->num_places
						  : fd + 16;
	void *grown;
	int i;

	if (set->num == set->capacity) {
		grown = realloc(set->entries,
				(size_t)capacity * sizeof(*set->entries));
		if (grown == NULL)
			return ENOMEM;
		set->entries = grown;
		set->capacity = capacity;
	}

	if (fd >= set->num_places) {
		grown = realloc(set->places,
				(size_t)num_places * sizeof(*set->places));
		if (grown == NULL)
			return ENOMEM;
		set->places = grown;
		for (i = set->num_places; i < num_places; i++)
			set->places[i] = -1;
		set->num_places = num_places;
	}

	return 0;
}

static int place_of(const struct set *set, int fd)
{
	return fd >= 0 && fd < set->num_places ? set->places[fd] : -1;
}

/* The last entry takes the place of the one that goes. */
static void remove_entry(struct set *set, int place)
{
	set->places[set->entries[place].fd] = -1;
	set->num--;
	if (place != set->num) {
		set->entries[place] = set->entries[set->num];
		set->places[set->entries[place].fd] = place;
	}
}

/* 0 or an error. */
static int apply(struct set *set, const struct pollfd *entry)
{
	int place = place_of(set, entry->fd);
	int error;

	if (entry->fd < 0)
		return EINVAL;

	if (entry->events & POLLREMOVE) {
		if (place >= 0)
			remove_entry(set, place);
		return 0;
	}

	/* Bands are only ever added; to lose some it must be removed first. */
	if (place >= 0) {
		set->entries[place].events |= entry->events;
		return 0;
	}

	error = reserve(set, entry->fd);
	if (error == 0) {
		set->places[entry->fd] = set->num;
		set->entries[set->num++] = (struct pollfd){
			.fd = entry->fd,
			.events = entry->events,
		};
	}

	return error;
}

/* The bytes that were taken, or -1. */
static ssize_t
write_locked(struct set *set, const struct pollfd *entries, size_t size)
{
	size_t num = size / sizeof(*entries);
	size_t i;
	int error;

	if (set->owner != getpid())
		return fail(EACCES);
	if (size % sizeof(*entries) != 0 || (long)num > sysconf(_SC_OPEN_MAX))
		return fail(EINVAL);

	for (i = 0; i < num; i++) {
		error = apply(set, &entries[i]);
		if (error != 0)
			return fail(error);
	}

	return (ssize_t)size;
}

ssize_t shim_dev_poll_write(int fd, const void *buf, size_t size)
{
	struct set *set;
	ssize_t ret = 0;

	lock();
	set = *find_locked(fd);
	if (set != NULL)
		ret = write_locked(set, buf, size);
	unlock();

	return set != NULL ? ret : write(fd, buf, size);
}

/* What poll() is to wait for, so that it can wait without the lock. */
static struct pollfd *copy_locked(const struct set *set)
{
	size_t size = (size_t)set->num * sizeof(struct pollfd);
	struct pollfd *copy;

	copy = malloc(size + 1);
	if (copy != NULL && size > 0)
		memcpy(copy, set->entries, size);

	return copy;
}

static int
gather(struct pollfd *found, int room, const struct pollfd *entries, int num)
{
	int num_found = 0;
	int i;

	for (i = 0; i < num && num_found < room; i++) {
		if (entries[i].revents != 0)
			found[num_found++] = entries[i];
	}

	return num_found;
}

/* A cancelled thread leaves nothing behind. */
static int
wait_and_gather(struct pollfd *entries, int num, const struct dvpoll *arg)
{
	int ret;

	pthread_cleanup_push(free, entries);
	ret = poll(entries, (nfds_t)num, arg->dp_timeout);
	if (ret > 0)
		ret = gather(arg->dp_fds, arg->dp_nfds, entries, num);
	pthread_cleanup_pop(1);

	return ret;
}

static int is_polled(const struct set *set, struct pollfd *pfd)
{
	int place = place_of(set, pfd->fd);

	if (place < 0)
		return 0;

	pfd->events = 0;
	pfd->revents = set->entries[place].events;

	return 1;
}

/* 0, or -1 when there is nothing to wait for; then *@copy is NULL. */
static int ioctl_locked(struct set *set, unsigned long request, void *arg,
			struct pollfd **copy, int *num)
{
	const struct dvpoll *dvpoll = arg;

	if (set->owner != getpid())
		return fail(EACCES);
	if (arg == NULL)
		return fail(EFAULT);
	if (request == DP_ISPOLLED)
		return is_polled(set, arg);
	if (request != DP_POLL || dvpoll->dp_nfds < 0 ||
	    dvpoll->dp_nfds >= sysconf(_SC_OPEN_MAX))
		return fail(EINVAL);

	*num = set->num;
	*copy = copy_locked(set);

	return *copy != NULL ? 0 : -1;
}

int shim_dev_poll_ioctl(int fd, unsigned long request, void *arg)
{
	struct pollfd *copy = NULL;
	struct set *set;
	int num = 0;
	int ret = 0;

	lock();
	set = *find_locked(fd);
	if (set != NULL)
		ret = ioctl_locked(set, request, arg, &copy, &num);
	unlock();

	if (set == NULL)
		return ioctl(fd, request, arg);

	return copy != NULL ? wait_and_gather(copy, num, arg) : ret;
}
