/* SPDX-License-Identifier: MIT */
/*
 * main.c - every case on one method, that of IV_SELECT_POLL_METHOD
 *
 * A method that does not open here is unavailable: so say all its cases, and
 * the exit status is that of a program that could not try anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "suite.h"

static const struct group *const groups[] = {
	&level_group,  &bands_group,  &siblings_group, &numbers_group,
	&dup_group,    &hangup_group, &kinds_group,    &stream_group,
	&timers_group, &wake_group,   &many_group,     &eintr_group,
	&fork_group,   &loops_group,  &host_group,
};

enum { NUM_GROUPS = sizeof(groups) / sizeof(groups[0]) };

static struct test_case *cases;
static size_t num_cases;

static const char *full_name(const char *group, const char *test)
{
	size_t size = strlen(group) + strlen(test) + 2;
	char *name = malloc(size);

	if (name == NULL)
		abort();
	snprintf(name, size, "%s.%s", group, test);

	return name;
}

static void add(const struct group *group, const struct test_case *test)
{
	struct test_case *added = &cases[num_cases++];

	added->name = full_name(group->name, test->name);
	added->run = test->run;
}

static void add_all(void)
{
	size_t num = 0, i, j;

	for (i = 0; i < NUM_GROUPS; i++)
		num += groups[i]->num;
	cases = calloc(num, sizeof(*cases));
	if (cases == NULL)
		abort();
	for (i = 0; i < NUM_GROUPS; i++) {
		for (j = 0; j < groups[i]->num; j++)
			add(groups[i], &groups[i]->cases[j]);
	}
}

static void free_all(void)
{
	while (num_cases > 0)
		free((void *)(uintptr_t)cases[--num_cases].name);
	free(cases);
}

/* The text goes to whoever reads the list; a crash is none of this. */
static void tell_and_leave(const char *text)
{
	puts(text);
	fflush(NULL);
	leave_child(STATUS_CANNOT_TRY);
}

/* 0: it opens; STATUS_CANNOT_TRY: it does not; else it breaks. */
static int status_of_open(void)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		iv_set_fatal_msg_handler(tell_and_leave);
		iv_init();
		iv_deinit();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();

	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static bool lists_only(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--list") == 0)
			return true;
	}

	return false;
}

static int run(int argc, char **argv)
{
	size_t i;

	if (!lists_only(argc, argv) && status_of_open() == STATUS_CANNOT_TRY) {
		for (i = 0; i < num_cases; i++)
			printf("not run %s\n", cases[i].name);
		return STATUS_CANNOT_TRY;
	}

	return harness_main(argc, argv, cases, num_cases);
}

int main(int argc, char **argv)
{
	int ret;

	if (getenv("IV_SELECT_POLL_METHOD") == NULL) {
		fprintf(stderr,
			"%s: name a method in IV_SELECT_POLL_METHOD, "
			"epoll for example\n",
			argv[0]);
		return 2;
	}

	add_all();
	ret = run(argc, argv);
	free_all();

	return ret;
}
