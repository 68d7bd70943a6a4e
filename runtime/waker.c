/* SPDX-License-Identifier: MIT */
/*
 * waker.c - a descriptor that others write to and a loop waits for
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include "loop.h"
#include "waker.h"
#ifdef IV__HAVE_EVENTFD
#include <sys/eventfd.h>
#endif

static int open_eventfd(struct iv__waker *waker)
{
#ifdef IV__HAVE_EVENTFD
	int fd;

	if (secure_getenv("IV_FORCE_PIPE") != NULL)
		return -ENOSYS;

	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		return -errno;

	waker->rfd = fd;
	waker->wfd = fd;

	return 0;
#else
	(void)waker;
	return -ENOSYS;
#endif
}

static int open_pipe(struct iv__waker *waker)
{
	int fds[2];

	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return -errno;

	waker->rfd = fds[0];
	waker->wfd = fds[1];

	return 0;
}

int iv__waker_open(struct iv__waker *waker)
{
	int ret;

	waker->collected = 0;

	ret = open_eventfd(waker);
	if (ret == -ENOSYS || ret == -EPERM || ret == -EINVAL)
		ret = open_pipe(waker);

	return ret;
}

void iv__waker_close(struct iv__waker *waker)
{
	close(waker->rfd);
	if (iv__waker_is_pipe(waker))
		close(waker->wfd);
	waker->rfd = -1;
	waker->wfd = -1;
}

/*
 * An eventfd takes and gives eight bytes, a pipe any number. A poster that is
 * cancelled here would leave its reader asleep for ever.
 */
void iv__waker_wake(int wfd, bool pipe)
{
	const uint64_t one = 1;
	int saved_errno = errno;
	int cancel_state;
	ssize_t ret;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	do {
		ret = write(wfd, &one, pipe ? 1 : sizeof(one));
	} while (ret < 0 && errno == EINTR);

	pthread_setcancelstate(cancel_state, NULL);
	errno = saved_errno;
}

void iv__waker_collect(struct iv__waker *waker)
{
	union {
		uint64_t count;
		char bytes[512];
	} buf;
	ssize_t ret;

	do {
		ret = read(waker->rfd, &buf, sizeof(buf));
		if (ret > 0 && iv__waker_is_pipe(waker))
			waker->collected += (uint64_t)ret;
		else if (ret > 0)
			waker->collected += buf.count;
	} while (ret == sizeof(buf) || (ret < 0 && errno == EINTR));
}

void iv__waker_collect_until(struct iv__waker *waker, uint64_t count)
{
	struct pollfd pfd = { .fd = waker->rfd, .events = POLLIN };

	while (waker->collected < count) {
		poll(&pfd, 1, -1);
		iv__waker_collect(waker);
	}
}
