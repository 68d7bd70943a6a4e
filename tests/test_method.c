/* SPDX-License-Identifier: MIT */
/*
 * test_method.c - which method a loop waits by
 *
 * A method is chosen once in a process, so each choice is made in a child.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include "harness.h"

/* Every system that these tests are for has them. */
static const char *const methods[] = {
	"epoll",
	"epoll-timerfd",
	"ppoll",
	"poll",
};

enum { NUM_METHODS = sizeof(methods) / sizeof(methods[0]) };

static void clear_environment(void)
{
	unsetenv("IV_SELECT_POLL_METHOD");
	unsetenv("IV_EXCLUDE_POLL_METHOD");
	unsetenv("IV_FORCE_PIPE");
}

static int method_is(void *name)
{
	bool right;

	iv_init();
	right = strcmp(iv_poll_method_name(), name) == 0;
	if (!right)
		printf("method %s\n", iv_poll_method_name());
	iv_deinit();

	return !right;
}

static void do_init(void *arg)
{
	(void)arg;
	iv_init();
}

static void epoll_is_preferred(void **state)
{
	(void)state;
	clear_environment();
	in_child(method_is, "epoll");
}

static void excluding_goes_on_with_the_next_best(void **state)
{
	(void)state;
	clear_environment();
	setenv("IV_EXCLUDE_POLL_METHOD", "epoll", 1);
	in_child(method_is, "epoll-timerfd");
	setenv("IV_EXCLUDE_POLL_METHOD", "epoll epoll-timerfd", 1);
	in_child(method_is, "ppoll");
	setenv("IV_EXCLUDE_POLL_METHOD", "epoll epoll-timerfd ppoll", 1);
	in_child(method_is, "poll");
	setenv("IV_EXCLUDE_POLL_METHOD", "epoll-timerfd ppoll poll", 1);
	in_child(method_is, "epoll");
}

static void excluding_takes_names_separated_by_spaces(void **state)
{
	(void)state;
	clear_environment();
	setenv("IV_EXCLUDE_POLL_METHOD",
	       "  kqueue  epoll-timerfd epoll ppoll dev_poll ", 1);
	in_child(method_is, "poll");
}

static void excluding_compares_whole_names(void **state)
{
	(void)state;
	clear_environment();
	setenv("IV_EXCLUDE_POLL_METHOD", "epol epollx epoll- poll", 1);
	in_child(method_is, "epoll");
	setenv("IV_EXCLUDE_POLL_METHOD", "", 1);
	in_child(method_is, "epoll");
}

/* What is there on request only does not step in. */
static void excluding_every_method_is_fatal(void **state)
{
	(void)state;
	clear_environment();
	setenv("IV_EXCLUDE_POLL_METHOD", "epoll-timerfd epoll ppoll poll", 1);
	expect_fatal(do_init, NULL, "iv_init", "IV_EXCLUDE_POLL_METHOD");
	setenv("IV_EXCLUDE_POLL_METHOD",
	       "epoll-timerfd epoll ppoll poll io_uring", 1);
	expect_fatal(do_init, NULL, "iv_init", "IV_EXCLUDE_POLL_METHOD");
}

static void selecting_names_the_method(void **state)
{
	int i;

	(void)state;
	clear_environment();
	for (i = 0; i < NUM_METHODS; i++) {
		setenv("IV_SELECT_POLL_METHOD", methods[i], 1);
		in_child(method_is, (void *)(uintptr_t)methods[i]);
	}
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (; (text = strstr(text, word)) != NULL; text++) {
		if (text[-1] == ' ' && strchr(" \n", text[len]) != NULL)
			return true;
	}

	return false;
}

static void selecting_an_unknown_one_is_fatal_and_lists_the_others(void **state)
{
	const char *text;
	int i;

	(void)state;
	clear_environment();
	setenv("IV_SELECT_POLL_METHOD", "no_such_method", 1);
	expect_fatal(do_init, NULL, "iv_init", "no_such_method");
	text = fatal_text(do_init, NULL);
	assert_non_null(strstr(text, "IV_SELECT_POLL_METHOD"));
	for (i = 0; i < NUM_METHODS; i++)
		assert_true(has_word(text, methods[i]));
}

static void selecting_an_unavailable_one_is_fatal_and_lists(void **state)
{
	const char *text;

	(void)state;
	clear_environment();
	setenv("IV_SELECT_POLL_METHOD", "kqueue", 1);
	expect_fatal(do_init, NULL, "iv_init", " epoll");
	setenv("IV_SELECT_POLL_METHOD", "epoll", 1);
	setenv("IV_EXCLUDE_POLL_METHOD", "epoll", 1);
	text = fatal_text(do_init, NULL);
	assert_non_null(strstr(text, "IV_SELECT_POLL_METHOD"));
	assert_non_null(strstr(text, " poll"));
}

static void *name_elsewhere(void *arg)
{
	(void)arg;

	return (void *)(uintptr_t)iv_poll_method_name();
}

static void a_thread_without_a_loop_sees_the_first_ones(void **state)
{
	(void)state;
	assert_null(iv_poll_method_name());
	iv_init();
	assert_string_equal(in_thread(name_elsewhere, NULL),
			    iv_poll_method_name());
	iv_deinit();
	assert_non_null(iv_poll_method_name());
}

/* An eventfd shows as "anon_inode:[eventfd]". */
static int count_eventfds(void)
{
	char link[64], target[64];
	int fd, num = 0;

	for (fd = 0; fd < 256; fd++) {
		ssize_t len;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		len = readlink(link, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (strstr(target, "eventfd") != NULL)
			num++;
	}

	return num;
}

static void *post_both(void *events)
{
	iv_event_post(events);

	return NULL;
}

static int wakers_are_eventfds(void *wanted)
{
	struct iv_event event = { .cookie = "event" };
	struct iv_event_raw raw = { .cookie = "raw" };
	pthread_t thread;

	iv_init();
	event.handler = note_and_quit;
	assert_int_equal(iv_event_register(&event), 0);
	raw.handler = note_and_quit;
	assert_int_equal(iv_event_raw_register(&raw), 0);
	assert_int_equal(count_eventfds() > 0, *(bool *)wanted);
	thread = start_thread(post_both, &event);
	run_until_quit("the event");
	join_thread(thread);
	assert_noted("event");
	iv_event_raw_post(&raw);
	run_until_quit("the raw event");
	assert_noted("raw");
	iv_event_raw_unregister(&raw);
	iv_event_unregister(&event);
	iv_deinit();

	return 0;
}

static void forcing_the_pipe_avoids_eventfds(void **state)
{
	bool yes = true, no = false;
	int i;

	(void)state;
	clear_environment();
	for (i = 0; i < NUM_METHODS; i++) {
		setenv("IV_SELECT_POLL_METHOD", methods[i], 1);
		unsetenv("IV_FORCE_PIPE");
		in_child(wakers_are_eventfds, &yes);
		setenv("IV_FORCE_PIPE", "1", 1);
		in_child(wakers_are_eventfds, &no);
	}
}

/* Set-id programs *********************************************************/

static const char print_method[] = "--print-method";

static void copy_file(const char *from, const char *to, mode_t mode, gid_t gid)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	char buf[65536];
	ssize_t len;

	assert_true(in >= 0 && out >= 0);
	while ((len = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(out, buf, (size_t)len), len);
	assert_int_equal(len, 0);
	assert_int_equal(fchown(out, (uid_t)-1, gid), 0);
	assert_int_equal(fchmod(out, mode), 0);
	close(in);
	close(out);
}

/* A group that is ours to give and not the one that we run as. */
static gid_t other_group(void)
{
	gid_t groups[256];
	int num = getgroups(256, groups), i;

	for (i = 0; i < num; i++) {
		if (groups[i] != getgid())
			return groups[i];
	}
	if (geteuid() != 0)
		cannot_try("no second group to run a set-id program as");

	return 65534;
}

/* What @program says by the name of print_method; sets *status. */
static void ask_method(char *program, char *name, size_t size, int *status)
{
	char *const argv[] = { program, (char *)(uintptr_t)print_method, NULL };
	int pipefd[2];
	ssize_t len;
	pid_t pid;

	make_pipe(pipefd);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(pipefd[1], STDOUT_FILENO);
		execv(program, argv);
		_exit(127);
	}
	close(pipefd[1]);
	len = read(pipefd[0], name, size - 1);
	name[len < 0 ? 0 : len] = '\0';
	close(pipefd[0]);
	assert_int_equal(waitpid(pid, status, 0), pid);
}

/* The kernel may have been told to take no notice of such bits. */
static void need_set_id_bits(const char *dir)
{
	struct statvfs vfs;

	assert_int_equal(statvfs(dir, &vfs), 0);
	if (vfs.f_flag & ST_NOSUID || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
		cannot_try("set-id programs are forbidden here");
}

static void run_copy(mode_t mode, char *name, size_t size, int *status)
{
	char dir[] = "/tmp/test_method.XXXXXX", self[4096], program[4200];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(len > 0);
	self[len] = '\0';
	assert_non_null(mkdtemp(dir));
	snprintf(program, sizeof(program), "%s/program", dir);
	copy_file(self, program, mode, other_group());
	ask_method(program, name, size, status);
	unlink(program);
	rmdir(dir);
}

/* Set-gid, not set-uid: another user might not reach the library's folder. */
static void a_set_id_program_ignores_both(void **state)
{
	char name[64];
	int status;

	(void)state;
	need_set_id_bits("/tmp");
	clear_environment();
	setenv("IV_EXCLUDE_POLL_METHOD", "epoll", 1);
	run_copy(0700, name, sizeof(name), &status);
	assert_string_equal(name, "epoll-timerfd");
	run_copy(02710, name, sizeof(name), &status);
	assert_string_equal(name, "epoll");

	setenv("IV_SELECT_POLL_METHOD", "no_such_method", 1);
	run_copy(0700, name, sizeof(name), &status);
	assert_true(WIFSIGNALED(status));
	run_copy(02710, name, sizeof(name), &status);
	assert_string_equal(name, "epoll");
	assert_int_equal(status, 0);
}

static const struct test_case cases[] = {
	TEST(epoll_is_preferred),
	TEST(excluding_goes_on_with_the_next_best),
	TEST(excluding_takes_names_separated_by_spaces),
	TEST(excluding_compares_whole_names),
	TEST(excluding_every_method_is_fatal),
	TEST(selecting_names_the_method),
	TEST(selecting_an_unknown_one_is_fatal_and_lists_the_others),
	TEST(selecting_an_unavailable_one_is_fatal_and_lists),
	TEST(a_thread_without_a_loop_sees_the_first_ones),
	TEST(forcing_the_pipe_avoids_eventfds),
	TEST(a_set_id_program_ignores_both),
};

/* As a set-id program: nothing but the name, and no leak checker's look. */
static int say_method(void)
{
	iv_init();
	if (write(STDOUT_FILENO, iv_poll_method_name(),
		  strlen(iv_poll_method_name())) < 0)
		_exit(1);
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], print_method) == 0)
		return say_method();

	return harness_main(argc, argv, cases,
			    sizeof(cases) / sizeof(cases[0]));
}
