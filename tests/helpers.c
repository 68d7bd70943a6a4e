/* SPDX-License-Identifier: MIT */
/*
 * helpers.c - what cases use of harness.h besides being run
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "harness.h"

#ifdef __has_include
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_MAKE_MEM_DEFINED(memory, size) 0
#define VALGRIND_CLO_CHANGE(option) ((void)(option))
#endif

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN
#elif __has_feature(address_sanitizer)
#define UNDER_ASAN
#endif
#endif

enum { GUARD_S = 45, NUDGE_MS = 10 };

/* Records ***************************************************************/

static char noted[1024];

void note(void *word)
{
	size_t len = strlen(noted);

	snprintf(noted + len, sizeof(noted) - len, "%s%s", len > 0 ? " " : "",
		 (const char *)word);
}

void note_and_quit(void *word)
{
	note(word);
	iv_quit();
}

void assert_noted(const char *words)
{
	assert_string_equal(noted, words);
	noted[0] = '\0';
}

/* Handlers and semaphores ***********************************************/

void quit(void *cookie)
{
	(void)cookie;
	iv_quit();
}

void never_posted(void *cookie)
{
	(void)cookie;
	abort();
}

void await(sem_t *sem)
{
	while (sem_wait(sem) != 0)
		continue;
}

/* Descriptors ***********************************************************/

bool fd_is_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	assert_true(flags >= 0);

	return (flags & O_NONBLOCK) != 0;
}

void make_pipe(int fd[2])
{
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
}

void make_socketpair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd),
			 0);
}

void close_both(int fd[2])
{
	assert_int_equal(close(fd[0]), 0);
	assert_int_equal(close(fd[1]), 0);
}

void put_byte(int fd)
{
	if (write(fd, "x", 1) != 1)
		abort();
}

void get_byte(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		abort();
}

enum { MAX_FILLERS = 256 };

static int fillers[MAX_FILLERS];
static int num_fillers;
static struct rlimit limit_before;

/* The limit is on the number, so the gaps below it must be filled too. */
void leave_descriptors(int num)
{
	struct rlimit limit;
	int fd;

	getrlimit(RLIMIT_NOFILE, &limit_before);
	limit = limit_before;
	limit.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

	while ((fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0) {
		assert_true(num_fillers < MAX_FILLERS);
		fillers[num_fillers++] = fd;
	}
	assert_int_equal(errno, EMFILE);
	assert_true(num_fillers >= num);
	while (num-- > 0)
		close(fillers[--num_fillers]);
}

void give_descriptors_back(void)
{
	while (num_fillers > 0)
		close(fillers[--num_fillers]);
	setrlimit(RLIMIT_NOFILE, &limit_before);
}

/* Time ******************************************************************/

struct timespec after_ms(long ms)
{
	struct timespec t = iv_now;

	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}

	return t;
}

int compare_times(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;

	return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

static void loop_hangs(void *waiting_for)
{
	fail_msg("the loop hangs, waiting for %s", (char *)waiting_for);
}

void guard_start(struct guard *guard, const char *waiting_for)
{
	IV_TIMER_INIT(&guard->timer);
	guard->timer.expires = after_ms(GUARD_S * 1000);
	guard->timer.cookie = (void *)(uintptr_t)waiting_for;
	guard->timer.handler = loop_hangs;
	iv_timer_register(&guard->timer);
}

void guard_stop(struct guard *guard)
{
	iv_timer_unregister(&guard->timer);
}

void run_until_quit(const char *waiting_for)
{
	struct guard guard;

	guard_start(&guard, waiting_for);
	iv_main();
	guard_stop(&guard);
}

static void nudge_again(void *cookie)
{
	struct nudge *nudge = cookie;

	nudge->timer.expires = after_ms(NUDGE_MS);
	iv_timer_register(&nudge->timer);
}

void nudge_start(struct nudge *nudge)
{
	IV_TIMER_INIT(&nudge->timer);
	nudge->timer.cookie = nudge;
	nudge->timer.handler = nudge_again;
	if (under_tsan()) {
		raise(0);
		nudge_again(nudge);
	}
}

void nudge_stop(struct nudge *nudge)
{
	if (iv_timer_registered(&nudge->timer))
		iv_timer_unregister(&nudge->timer);
}

void run_until_signal(const char *waiting_for)
{
	struct nudge nudge;

	nudge_start(&nudge);
	run_until_quit(waiting_for);
	nudge_stop(&nudge);
}

/* Processes *************************************************************/

bool on_valgrind(void)
{
	/* The value keeps valgrind's macro from a null statement's warning. */
	return RUNNING_ON_VALGRIND != 0;
}

bool under_tsan(void)
{
#ifdef UNDER_TSAN
	return true;
#else
	return false;
#endif
}

bool under_a_tool(void)
{
#ifdef UNDER_ASAN
	return true;
#else
	return under_tsan() || on_valgrind();
#endif
}

int scaled(int full)
{
	if (!under_a_tool())
		return full;

	return full > 100 ? full / 100 : 1;
}

void cannot_try(const char *why)
{
	printf("%s\n", why);
	fflush(NULL);
	_exit(STATUS_CANNOT_TRY);
}

int status_of_child(int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		exit(fn(arg));
	assert_int_equal(waitpid(pid, &status, 0), pid);

	return status;
}

void in_child(int (*fn)(void *arg), void *arg)
{
	int status = status_of_child(fn, arg);

	if (WIFSIGNALED(status))
		fail_msg("the child was killed by signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void leave_child(int status)
{
	/* The value keeps valgrind's macro from a null statement's warning. */
	if (VALGRIND_MAKE_MEM_DEFINED(&status, sizeof(status)))
		VALGRIND_CLO_CHANGE("--leak-check=no");
	_exit(status);
}

static int fatal_pipe[2];

static void send_text(const char *text)
{
	if (write(fatal_pipe[1], text, strlen(text)) < 0)
		_exit(2);
}

struct fatal_call {
	void (*fn)(void *arg);
	void *arg;
};

static int make_fatal_call(void *arg)
{
	const struct rlimit no_core = { 0, 0 };
	struct fatal_call *call = arg;

	/* What a process holds when it aborts is not lost (memcheck only). */
	if (VALGRIND_MAKE_MEM_DEFINED(call, sizeof(*call)))
		VALGRIND_CLO_CHANGE("--leak-check=no");
	setrlimit(RLIMIT_CORE, &no_core);
	iv_set_fatal_msg_handler(send_text);
	call->fn(call->arg);

	/* It came back: no leak checker should say anything about that. */
	_exit(0);
}

const char *fatal_text(void (*fn)(void *arg), void *arg)
{
	struct fatal_call call = { fn, arg };
	static char text[2048];
	ssize_t len;
	int status;

	make_pipe(fatal_pipe);
	status = status_of_child(make_fatal_call, &call);
	close(fatal_pipe[1]);
	len = read(fatal_pipe[0], text, sizeof(text) - 1);
	close(fatal_pipe[0]);
	text[len < 0 ? 0 : len] = '\0';

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		fail_msg("no SIGABRT but status %#x; text \"%s\"",
			 (unsigned int)status, text);

	return text;
}

void expect_fatal(void (*fn)(void *arg), void *arg, const char *call,
		  const char *advice)
{
	const char *text = fatal_text(fn, arg);

	if (strstr(text, call) == NULL)
		fail_msg("\"%s\" does not name %s", text, call);
	if (strstr(text, advice) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", text, advice);
}

/* Threads ***************************************************************/

pthread_t start_thread(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, fn, arg), 0);

	return thread;
}

void *join_thread(pthread_t thread)
{
	void *result;

	assert_int_equal(pthread_join(thread, &result), 0);

	return result;
}

void *in_thread(void *(*fn)(void *arg), void *arg)
{
	return join_thread(start_thread(fn, arg));
}

static void *call_with_a_loop(void *arg)
{
	struct fatal_call *call = arg;

	iv_init();
	call->fn(call->arg);

	return NULL;
}

static void call_elsewhere(void *arg)
{
	in_thread(call_with_a_loop, arg);
}

void expect_fatal_elsewhere(void (*fn)(void *arg), void *arg, const char *call,
			    const char *advice)
{
	struct fatal_call elsewhere = { fn, arg };

	expect_fatal(call_elsewhere, &elsewhere, call, advice);
}
