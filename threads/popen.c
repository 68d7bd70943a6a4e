/* SPDX-License-Identifier: MIT */
/*
 * popen.c - run a program and read what it writes, or write what it reads
 *
 * The running program has a record of its own, which lives until the program
 * has ended and the request was closed, whichever is later: the request may
 * be freed before, and stay around after.
 *
 *	submit      record <-> request, interest registered
 *	close       record alone, a timer sends ever stronger signals
 *	its end     request alone; after close: nothing
 *
 * Everything here is the owner thread's.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <iv_popen.h>
#include <iv_wait.h>
#include "../runtime/loop.h"

enum {
	KILL_INTERVAL_S = 5,
	NUM_TERMS = 5, /* the rest are SIGKILL */
};

struct iv__popen {
	struct iv_wait_interest interest;
	struct iv_timer kill_timer; /* registered once it is closed */
	int num_kills;
	struct iv_popen_request *request; /* NULL once it is closed */
	struct iv__loop *loop;
};

/* In the child ************************************************************/

struct start {
	const struct iv_popen_request *request;
	int pipe_end; /* the child's */
	int parent_end;
	int stream; /* what it becomes */
};

/*
 * The program may have closed its own standard streams: then a number that we
 * got is one of those to be replaced, and another is taken. -1: there is none.
 */
static int above_streams(int fd)
{
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;

	return fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

/*
 * Put the end of the pipe and /dev/null in place of the standard streams. The
 * parent's end is closed first, which leaves a number free to work with.
 */
static int set_streams(const struct start *start)
{
	int end;
	int null;
	int fd;

	close(start->parent_end);
	end = above_streams(start->pipe_end);
	null = above_streams(open("/dev/null", O_RDWR | O_CLOEXEC));
	if (end < 0 || null < 0)
		return -1;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (dup2(fd == start->stream ? end : null, fd) < 0)
			return -1;
	}

	return 0;
}

/* When this returns the child exits, and the pipe's other end is told. */
static void run_program(void *cookie)
{
	const struct start *start = cookie;
	sigset_t none;

	if (set_streams(start) < 0)
		return;

	/* iv_popen_request_close() counts on SIGTERM. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(start->request->file, start->request->argv);
}

/* In the parent ***********************************************************/

static void got_status(void *cookie, int status, const struct rusage *rusage)
{
	struct iv__popen *popen = cookie;

	(void)rusage;
	if (!WIFEXITED(status) && !WIFSIGNALED(status))
		return;

	iv_wait_interest_unregister(&popen->interest);
	if (iv_timer_registered(&popen->kill_timer))
		iv_timer_unregister(&popen->kill_timer);
	if (popen->request != NULL)
		popen->request->popen_ = NULL;
	free(popen);
}

/* Failing is no reason to stop: what ends it may also come from elsewhere. */
static void send_signal(void *cookie)
{
	struct iv__popen *popen = cookie;
	int sig = popen->num_kills < NUM_TERMS ? SIGTERM : SIGKILL;

	popen->num_kills++;
	iv_wait_interest_kill(&popen->interest, sig);

	popen->kill_timer.expires = *iv__loop_now(iv__self);
	popen->kill_timer.expires.tv_sec += KILL_INTERVAL_S;
	iv_timer_register(&popen->kill_timer);
}

/*
 * The child's stream, or -1. Its number is also that of the child's end of
 * the pipe: what reads standard input gets the end to read from.
 */
static int stream_of(const char *type)
{
	if (type != NULL && strcmp(type, "r") == 0)
		return STDOUT_FILENO;
	if (type != NULL && strcmp(type, "w") == 0)
		return STDIN_FILENO;

	return -1;
}

static struct iv__popen *
make(struct iv__loop *loop, struct iv_popen_request *request)
{
	struct iv__popen *popen = calloc(1, sizeof(*popen));

	if (popen == NULL)
		return NULL;

	popen->request = request;
	popen->loop = loop;
	popen->interest.cookie = popen;
	popen->interest.handler = got_status;
	IV_TIMER_INIT(&popen->kill_timer);
	popen->kill_timer.cookie = popen;
	popen->kill_timer.handler = send_signal;

	return popen;
}

/* Our end of the pipe @fds; or -1 with errno set, and it is closed. */
static int start(struct iv__popen *popen, const int fds[2], int stream)
{
	struct start start = {
		.request = popen->request,
		.pipe_end = fds[stream],
		.parent_end = fds[1 - stream],
		.stream = stream,
	};
	int ret;

	ret = iv_wait_interest_register_spawn(&popen->interest, run_program,
					      &start);
	if (ret < 0) {
		ret = errno;
		close(fds[0]);
		close(fds[1]);
		errno = ret;
		return -1;
	}
	close(start.pipe_end);

	return start.parent_end;
}

IV__PUBLIC int iv_popen_request_submit(struct iv_popen_request *request)
{
	struct iv__loop *loop = iv__loop_self("iv_popen_request_submit");
	int stream = stream_of(request->type);
	struct iv__popen *popen;
	int fds[2];
	int ret = -1;

	if (stream < 0) {
		errno = EINVAL;
		return -1;
	}

	popen = make(loop, request);
	if (popen == NULL)
		return -1;

	if (pipe2(fds, O_CLOEXEC) == 0)
		ret = start(popen, fds, stream);
	if (ret < 0)
		free(popen);
	else
		request->popen_ = popen;

	return ret;
}

IV__PUBLIC void iv_popen_request_close(struct iv_popen_request *request)
{
	struct iv__popen *popen = request->popen_;

	iv__loop_self("iv_popen_request_close");
	if (popen == NULL)
		return;
	iv__loop_of(popen->loop, "iv_popen_request_close");

	request->popen_ = NULL;
	popen->request = NULL;
	send_signal(popen);
}
