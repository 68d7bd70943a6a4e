/* SPDX-License-Identifier: MIT */
/*
 * test_popen.c - run a program and read what it writes, or write what it reads
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <iv_popen.h>
#include "harness.h"

/*
 * Stand in for the C library's: refused forks, and a clock that we stop, so
 * that a busy machine's delays do not count, and advance.
 */
static int fork_error;
static bool clock_stopped;
static struct timespec stopped_at;

pid_t fork(void)
{
	static pid_t (*next)(void);

	if (fork_error != 0) {
		errno = fork_error;
		return -1;
	}
	if (next == NULL)
		next = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");

	return next();
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock != CLOCK_MONOTONIC || !clock_stopped)
		return (int)syscall(SYS_clock_gettime, clock, now);

	*now = stopped_at;

	return 0;
}

static void stop_clock(void)
{
	clock_gettime(CLOCK_MONOTONIC, &stopped_at);
	clock_stopped = true;
}

static int submit(struct iv_popen_request *request, char *type, char **argv)
{
	memset(request, 0xa5, sizeof(*request));
	IV_POPEN_REQUEST_INIT(request);
	request->file = argv[0];
	request->argv = argv;
	request->type = type;

	return iv_popen_request_submit(request);
}

static int
submit_shell(struct iv_popen_request *request, char *type, char *script)
{
	char *argv[] = { "sh", "-c", script, NULL };

	return submit(request, type, argv);
}

/* All up to end of file; the descriptor is closed. */
static const char *read_all(int fd)
{
	static char text[4096];
	size_t len = 0;
	ssize_t ret;

	assert_true(fd >= 0);
	while ((ret = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)ret;
	assert_int_equal(ret, 0);
	text[len] = '\0';
	close(fd);

	return text;
}

static void end(struct iv_popen_request *request)
{
	iv_popen_request_close(request);
	iv_main();
	iv_deinit();
}

static void r_reads_what_it_writes(void **state)
{
	struct iv_popen_request request;
	char *argv[] = { "echo", "two", "words", NULL };

	(void)state;
	iv_init();
	assert_string_equal(read_all(submit(&request, "r", argv)),
			    "two words\n");
	end(&request);
}

static void w_writes_what_it_reads(void **state)
{
	struct iv_popen_request request;
	char file[] = "/tmp/test_popen.XXXXXX", script[64], text[16];
	int fd, result = mkstemp(file);

	(void)state;
	assert_true(result >= 0);
	snprintf(script, sizeof(script), "cat >%s", file);
	iv_init();
	fd = submit_shell(&request, "w", script);
	assert_int_equal(write(fd, "some text", 9), 9);
	close(fd);
	/* It ends by itself, and the loop with it. */
	iv_main();
	assert_int_equal(read(result, text, sizeof(text)), 9);
	assert_memory_equal(text, "some text", 9);
	close(result);
	unlink(file);
	end(&request);
}

static void the_descriptor_blocks_and_is_closed_on_exec(void **state)
{
	struct iv_popen_request request;
	int fd;

	(void)state;
	iv_init();
	fd = submit_shell(&request, "r", "exit");
	assert_false(fd_is_nonblocking(fd));
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	end(&request);
}

static char list_streams[] =
	"for i in 0 1 2; do readlink /proc/self/fd/$i; done";

static void the_other_streams_are_dev_null(void **state)
{
	struct iv_popen_request request;
	const char *text;

	(void)state;
	iv_init();
	text = read_all(submit_shell(&request, "r", list_streams));
	assert_memory_equal(text, "/dev/null\npipe:[", 16);
	assert_non_null(strstr(text, "]\n/dev/null\n"));
	end(&request);
}

static void no_signal_is_blocked_in_it(void **state)
{
	char *argv[] = { "grep", "SigBlk", "/proc/self/status", NULL };
	struct iv_popen_request request;
	sigset_t all;

	(void)state;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	iv_init();
	assert_string_equal(read_all(submit(&request, "r", argv)),
			    "SigBlk:\t0000000000000000\n");
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	end(&request);
}

static int without_streams(void *arg)
{
	struct iv_popen_request request;
	const char *text;

	(void)arg;
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	iv_init();
	text = read_all(submit_shell(&request, "r", list_streams));
	if (strncmp(text, "/dev/null\npipe:[", 16) != 0 ||
	    strstr(text, "]\n/dev/null\n") == NULL)
		return 1;
	end(&request);

	return 0;
}

static void a_program_without_streams_of_its_own_may_use_it(void **state)
{
	(void)state;
	in_child(without_streams, NULL);
}

static void a_program_that_cannot_be_started_reads_as_empty(void **state)
{
	struct iv_popen_request request;
	char *argv[] = { "/nonexistent/program", NULL };

	(void)state;
	iv_init();
	assert_string_equal(read_all(submit(&request, "r", argv)), "");
	end(&request);
}

static void a_wrong_type_is_refused(void **state)
{
	static char *const types[] = { "", "rw", "x", "R", "r+", NULL };
	struct iv_popen_request request;
	size_t i;

	(void)state;
	iv_init();
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		errno = 0;
		assert_int_equal(submit_shell(&request, types[i], "exit"), -1);
		assert_int_equal(errno, EINVAL);
	}
	iv_main();
	iv_deinit();
}

static void a_refused_fork_is_an_error(void **state)
{
	struct iv_popen_request request;
	int before;

	(void)state;
	iv_init();
	fork_error = EAGAIN;
	assert_int_equal(submit_shell(&request, "r", "exit"), -1);
	assert_int_equal(errno, EAGAIN);
	before = num_open_fds();
	assert_int_equal(submit_shell(&request, "w", "exit"), -1);
	assert_int_equal(num_open_fds(), before);
	fork_error = 0;
	iv_main();
	iv_deinit();
}

static void without_descriptors_it_works_or_refuses(void **state)
{
	struct iv_popen_request request;
	int num, fd, worked = 0;

	(void)state;
	for (num = 0; num <= 5; num++) {
		iv_init();
		leave_descriptors(num);
		fd = submit_shell(&request, "r", "echo x");
		if (fd < 0) {
			assert_int_equal(errno, EMFILE);
			iv_main();
		} else {
			assert_string_equal(read_all(fd), "x\n");
			iv_popen_request_close(&request);
			iv_main();
			worked++;
		}
		give_descriptors_back();
		iv_deinit();
	}
	assert_in_range(worked, 1, 5);
}

/* Closing *****************************************************************/

static void the_loop_lives_until_the_program_has_ended(void **state)
{
	struct iv_popen_request request;
	int fd;

	(void)state;
	iv_init();
	fd = submit_shell(&request, "w", "read line; exit 3");
	iv_popen_request_close(&request);
	memset(&request, 0xff, sizeof(request));
	iv_main();
	assert_int_equal(write(fd, &fd, 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);

	close(fd);
	iv_deinit();
}

static void closed_after_its_end_nothing_is_sent(void **state)
{
	struct iv_popen_request request;

	(void)state;
	iv_init();
	assert_string_equal(read_all(submit_shell(&request, "r", "echo x")),
			    "x\n");
	iv_main();
	iv_popen_request_close(&request);
	iv_popen_request_close(&request);
	iv_main();
	iv_deinit();
}

static char be_stubborn[] = "be-stubborn";

static void say(const char *letter)
{
	if (write(STDOUT_FILENO, letter, 1) != 1)
		_exit(1);
}

/*
 * What runs in a new process: it says "r" when it is ready and "t" for each
 * SIGTERM. A shell may sleep over one that comes just ahead of its wait.
 */
static int run_stubborn(void)
{
	sigset_t set;
	int signum;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	say("r");
	while (sigwait(&set, &signum) == 0)
		say("t");

	return 1;
}

static int submit_stubborn(struct iv_popen_request *request)
{
	static char self[4096];
	char *argv[] = { self, be_stubborn, NULL };
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(len > 0);
	self[len] = '\0';

	return submit(request, "r", argv);
}

static struct iv_fd output;
static struct iv_popen_request victim;
static time_t closed_s;
static char log_text[256];

static void log_word(char word)
{
	size_t len = strlen(log_text);

	snprintf(log_text + len, sizeof(log_text) - len, " %c%ld", word,
		 (long)(stopped_at.tv_sec - closed_s));
}

/* Each sign of life lets five seconds pass. */
static void got_output(void *cookie)
{
	char c;
	ssize_t ret = read(output.fd, &c, 1);

	(void)cookie;
	if (ret < 0)
		return;
	if (ret == 0) {
		log_word('k');
		iv_fd_unregister(&output);
		close(output.fd);
		return;
	}
	if (c == 'r') {
		stop_clock();
		closed_s = stopped_at.tv_sec;
		iv_popen_request_close(&victim);
	} else if (c == 't') {
		log_word('t');
		stopped_at.tv_sec += 5;
	}
}

static void close_sends_term_each_5_s_and_kill_at_25_s(void **state)
{
	(void)state;
	iv_init();
	IV_FD_INIT(&output);
	output.fd = submit_stubborn(&victim);
	assert_true(output.fd >= 0);
	output.handler_in = got_output;
	iv_fd_register(&output);
	iv_main();
	assert_string_equal(log_text, " t0 t5 t10 t15 t20 k25");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	clock_stopped = false;
	iv_deinit();
}

static void submit_early(void *arg)
{
	submit_shell(arg, "r", "exit");
}

static void use_before_init_is_fatal(void **state)
{
	struct iv_popen_request request;

	(void)state;
	expect_fatal(submit_early, &request, "iv_popen_request_submit",
		     "iv_init");
}

static const struct test_case cases[] = {
	TEST(r_reads_what_it_writes),
	TEST(w_writes_what_it_reads),
	TEST(the_descriptor_blocks_and_is_closed_on_exec),
	TEST(the_other_streams_are_dev_null),
	TEST(no_signal_is_blocked_in_it),
	TEST(a_program_without_streams_of_its_own_may_use_it),
	TEST(a_program_that_cannot_be_started_reads_as_empty),
	TEST(a_wrong_type_is_refused),
	TEST(a_refused_fork_is_an_error),
	TEST(without_descriptors_it_works_or_refuses),
	TEST(the_loop_lives_until_the_program_has_ended),
	TEST(closed_after_its_end_nothing_is_sent),
	TEST(close_sends_term_each_5_s_and_kill_at_25_s),
	TEST(use_before_init_is_fatal),
};

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], be_stubborn) == 0)
		return run_stubborn();

	return harness_main(argc, argv, cases,
			    sizeof(cases) / sizeof(cases[0]));
}
