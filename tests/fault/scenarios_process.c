/* SPDX-License-Identifier: MIT */
/*
 * scenarios_process.c - signals, children and programs
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <iv_popen.h>
#include <iv_signal.h>
#include <iv_wait.h>
#include "bed.h"

enum { EXIT_STATUS = 7, LOST = 255 };

static int num_calls;
static bool quit_at_signal;

static void prepare_nothing(void)
{
}

/* Signals *****************************************************************/

static void got_signal(void *cookie)
{
	num_calls++;
	iv_signal_unregister(cookie);
	if (quit_at_signal)
		iv_quit();
}

static bool add_signal(struct iv_signal *sig, unsigned int flags)
{
	IV_SIGNAL_INIT(sig);
	sig->signum = SIGUSR1;
	sig->flags = flags;
	sig->cookie = sig;
	sig->handler = got_signal;
	if (iv_signal_register(sig) == 0)
		return true;

	refused("iv_signal_register");

	return false;
}

static void expect_default_action(void)
{
	struct sigaction action;

	sigaction(SIGUSR1, NULL, &action);
	EXPECT(action.sa_handler == SIG_DFL, "the signal is still caught");
}

static void use_signal(unsigned int flags)
{
	static struct iv_signal sig;

	num_calls = 0;
	open_loop();
	if (add_signal(&sig, flags)) {
		pthread_kill(pthread_self(), SIGUSR1);
		run_loop("a signal");
		EXPECT(num_calls == 1, "%d of 1 signals", num_calls);
	}
	expect_default_action();
	close_loop();
}

static void run_signal(void)
{
	use_signal(0);
}

static void run_signal_thread(void)
{
	use_signal(IV_SIGNAL_FLAG_THIS_THREAD);
}

/* Of two objects the exclusive one alone is called, and the other stays. */
static void use_both(struct iv_signal *all)
{
	kill(getpid(), SIGUSR1);
	quit_at_signal = true;
	run_loop("an exclusive signal");
	quit_at_signal = false;
	EXPECT(num_calls == 1, "%d of 1 signals", num_calls);
	iv_signal_unregister(all);
}

/* With one of the two refused, the other is served. */
static void run_signal_exclusive(void)
{
	static struct iv_signal all;
	static struct iv_signal one;
	bool has_all;
	bool has_one;

	num_calls = 0;
	open_loop();
	has_all = add_signal(&all, 0);
	has_one = add_signal(&one, IV_SIGNAL_FLAG_EXCLUSIVE);
	if (has_all && has_one) {
		use_both(&all);
	} else if (has_all || has_one) {
		kill(getpid(), SIGUSR1);
		run_loop("a signal");
		EXPECT(num_calls == 1, "%d of 1 signals", num_calls);
	}
	expect_default_action();
	close_loop();
}

/* Children ****************************************************************/

static int last_status;
static bool status_lost;

static void got_status(void *cookie, int status, const struct rusage *rusage)
{
	(void)rusage;
	num_calls++;
	last_status = status;
	status_lost = WIFEXITED(status) && WEXITSTATUS(status) == LOST;
	iv_wait_interest_unregister(cookie);
}

static void set_up_interest(struct iv_wait_interest *interest)
{
	num_calls = 0;
	status_lost = false;
	IV_WAIT_INTEREST_INIT(interest);
	interest->cookie = interest;
	interest->handler = got_status;
}

/* Somebody else may have waited for the child: then its status is lost. */
static void await(const char *what)
{
	run_loop(what);
	EXPECT(num_calls == 1, "%d of 1 statuses", num_calls);
	if (status_lost) {
		errno = ECHILD;
		refused("wait4, the status that came");
	}
}

static void expect_exit(void)
{
	if (!status_lost)
		EXPECT(WIFEXITED(last_status) &&
			       WEXITSTATUS(last_status) == EXIT_STATUS,
		       "the wrong status, 0x%x", (unsigned int)last_status);
}

static void run_wait(void)
{
	static struct iv_wait_interest interest;

	open_loop();
	set_up_interest(&interest);
	interest.pid = fork();
	if (interest.pid == 0)
		_exit(EXIT_STATUS);
	EXPECT(interest.pid > 0, "the sweep has no child");
	iv_wait_interest_register(&interest);
	await("the end of a child");
	expect_exit();
	close_loop();
}

static void exit_at_once(void *cookie)
{
	(void)cookie;
	_exit(EXIT_STATUS);
}

static void pause_for_ever(void *cookie)
{
	(void)cookie;
	for (;;)
		pause();
}

static void run_spawn(void)
{
	static struct iv_wait_interest interest;

	open_loop();
	set_up_interest(&interest);
	if (iv_wait_interest_register_spawn(&interest, exit_at_once, NULL) ==
	    0) {
		await("the end of a spawned child");
		expect_exit();
	} else {
		refused("iv_wait_interest_register_spawn");
	}
	close_loop();
}

static void run_spawn_kill(void)
{
	static struct iv_wait_interest interest;

	open_loop();
	set_up_interest(&interest);
	if (iv_wait_interest_register_spawn(&interest, pause_for_ever, NULL) ==
	    0) {
		if (iv_wait_interest_kill(&interest, SIGTERM) != 0) {
			refused("iv_wait_interest_kill");
			kill(interest.pid, SIGTERM);
		}
		await("the end of a killed child");
		EXPECT(status_lost || (WIFSIGNALED(last_status) &&
				       WTERMSIG(last_status) == SIGTERM),
		       "the wrong status, 0x%x", (unsigned int)last_status);
	} else {
		refused("iv_wait_interest_register_spawn");
	}
	close_loop();
}

/* Programs ****************************************************************/

static int submit(struct iv_popen_request *request, char **argv, char *type)
{
	int fd;

	IV_POPEN_REQUEST_INIT(request);
	request->file = argv[0];
	request->argv = argv;
	request->type = type;
	fd = iv_popen_request_submit(request);
	if (fd < 0)
		refused("iv_popen_request_submit");

	return fd;
}

static void expect_greeting(int fd)
{
	char buf[16] = "";
	size_t got = 0;
	ssize_t ret;

	stage("a program's output");
	while ((ret = read(fd, buf + got, sizeof(buf) - 1 - got)) > 0)
		got += (size_t)ret;
	close(fd);
	if (got == 0) {
		/* That is how a reader is told of a program not started. */
		errno = ENOEXEC;
		refused("end of file instead of a program's output");
		return;
	}
	EXPECT(strcmp(buf, "hello\n") == 0, "the wrong output");
}

static void run_popen_read(void)
{
	static struct iv_popen_request request;
	static char *argv[] = { "echo", "hello", NULL };
	int fd;

	open_loop();
	fd = submit(&request, argv, "r");
	if (fd >= 0) {
		expect_greeting(fd);
		iv_popen_request_close(&request);
		run_loop("the end of a program");
	}
	close_loop();
}

/* Without close: the loop lives until the program has read to the end. */
static void run_popen_write(void)
{
	static struct iv_popen_request request;
	static char *argv[] = { "cat", NULL };
	int fd;

	open_loop();
	fd = submit(&request, argv, "w");
	if (fd >= 0) {
		stage("a program to read");
		if (write(fd, "hello\n", 6) < 0)
			refused("write to a program");
		close(fd);
		run_loop("the end of a program");
	}
	close_loop();
}

static void run_popen_close(void)
{
	static struct iv_popen_request request;
	static char *argv[] = { "sleep", "60", NULL };
	int fd;

	open_loop();
	fd = submit(&request, argv, "r");
	if (fd >= 0) {
		iv_popen_request_close(&request);
		run_loop("the end of a program that is told to end");
		close(fd);
	}
	close_loop();
}

const struct scenario process_scenarios[] = {
	{ "signal", "a signal to the process", prepare_nothing, run_signal },
	{ "signal_thread", "a signal to a thread", prepare_nothing,
	  run_signal_thread },
	{ "signal_exclusive", "an exclusive object beside another",
	  prepare_nothing, run_signal_exclusive },
	{ "wait", "a child of the program's own", prepare_nothing, run_wait },
	{ "spawn", "a child that exits", prepare_nothing, run_spawn },
	{ "spawn_kill", "a child that is killed", prepare_nothing,
	  run_spawn_kill },
	{ "popen_read", "a program's output", prepare_nothing, run_popen_read },
	{ "popen_write", "a program's input", prepare_nothing,
	  run_popen_write },
	{ "popen_close", "a program that has to be ended", prepare_nothing,
	  run_popen_close },
	{ 0 },
};
