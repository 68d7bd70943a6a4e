/* SPDX-License-Identifier: MIT */
/*
 * syslog_load DIRECTORY ADDRESS PORT COUNT PID - a load for syslog-ng
 *
 * A thread for each source of syslog_plan.h sends COUNT messages: by TCP and
 * UDP to ADDRESS PORT, through the sockets DIRECTORY/in/unix and dgram, into
 * the files DIRECTORY/in/file and watched. With a PID other than 0 that process
 * gets SIGHUP when half of everything has arrived. Then waits until
 * everything has arrived below DIRECTORY/out, and tells how many messages a
 * second that was, for the stream connections and for all: datagram sockets
 * have short queues, where each burst waits for the one before.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "syslog_plan.h"

/* What the kernel's smallest usual receive buffer holds with ease. */
enum { UDP_WINDOW = 64, UDP_PATIENCE_MS = 2000 };

enum { PATIENCE_MS = 15000, BATCH = 40, MESSAGE_MAX = 200 };

/* A local socket's messages name no host. */
static const char header[] = "<13>Jan  1 00:00:00 localhost load: ";
static const char local_header[] = "<13>Jan  1 00:00:00 load: ";

struct sender {
	const struct plan *plan;
	pthread_t thread;
	int fd;
	unsigned random;
	long lost; /* UDP: given up */
};

static const char *directory, *address;
static uint16_t port;
static long count;
static pid_t reloaded;
static struct sender senders[NUM_PLANS];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "syslog_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void path_of(char *path, size_t size, const char *sub, const char *name)
{
	if ((size_t)snprintf(path, size, "%s/%s/%s", directory, sub, name) >=
	    size) {
		errno = ENAMETOOLONG;
		die(directory);
	}
}

static int connect_inet(int type)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		errno = EINVAL;
	else if (fd >= 0 && connect(fd, (void *)&to, sizeof(to)) == 0)
		return fd;
	die(address);
}

static int connect_unix(int type, const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	path_of(to.sun_path, sizeof(to.sun_path), "in", name);
	if (fd < 0 || connect(fd, (void *)&to, sizeof(to)) < 0)
		die(to.sun_path);
	return fd;
}

static int open_input(const char *name)
{
	char path[4096];
	int fd;

	path_of(path, sizeof(path), "in", name);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	return fd;
}

static int open_plan(const struct plan *plan)
{
	switch (plan->kind) {
	case TCP:
		return connect_inet(SOCK_STREAM);
	case UDP:
		return connect_inet(SOCK_DGRAM);
	case UNIX_STREAM:
		return connect_unix(SOCK_STREAM, plan->output);
	case UNIX_DATAGRAM:
		return connect_unix(SOCK_DGRAM, plan->output);
	default:
		return open_input(plan->output);
	}
}

/* Message @number of @plan to @at; its length. */
static size_t compose(const struct plan *plan, long number, char *at)
{
	size_t len = 0, pad;

	if (plan->kind == TCP || plan->kind == UDP)
		len = (size_t)sprintf(at, "%s", header);
	else if (plan->kind != APPENDED_FILE)
		len = (size_t)sprintf(at, "%s", local_header);
	at += len;
	len += LINE_BYTES;
	pad = (size_t)sprintf(at, "%s %0*ld ", plan->name, NUMBER_DIGITS,
			      number);
	memset(at + pad, 'x', LINE_BYTES - 1 - pad);
	at[LINE_BYTES - 1] = '\n';
	return len;
}

static void write_all(struct sender *sender, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t ret = write(sender->fd, data, len);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			die(sender->plan->name);
		data += ret;
		len -= (size_t)ret;
	}
}

/* In pieces that end anywhere but where a message does. */
static void send_stream(struct sender *sender)
{
	char buffer[(BATCH + 1) * MESSAGE_MAX];
	size_t len = 0, kept;
	long number = 0, n, i;

	while (number < count) {
		n = 1 + rand_r(&sender->random) % BATCH;
		if (n > count - number)
			n = count - number;
		for (i = 0; i < n; i++)
			len += compose(sender->plan, number++, buffer + len);
		kept = number < count ? (size_t)rand_r(&sender->random) % 90
				      : 0;
		write_all(sender, buffer, len - kept);
		memmove(buffer, buffer + len - kept, kept);
		len = kept;
	}
}

static int watch(const char *path)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 || inotify_add_watch(fd, path, IN_MODIFY) < 0)
		die(path);
	return fd;
}

static long lines_of(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		die(path);
	return status.st_size / LINE_BYTES;
}

/* Until something happens to what @watched is about; 0 if nothing does. */
static int await_change(int watched, int patience_ms)
{
	struct pollfd changed = { .fd = watched, .events = POLLIN };
	char events[4096];

	if (poll(&changed, 1, patience_ms) <= 0)
		return 0;
	while (read(watched, events, sizeof(events)) > 0)
		;
	return 1;
}

/* How many lines @path has: @wanted ones, unless none comes for too long. */
static long
await_lines(const char *path, int watched, long wanted, int patience_ms)
{
	long lines;

	do
		lines = lines_of(path);
	while (lines < wanted && await_change(watched, patience_ms));
	return lines;
}

/* Paced: no more than a window is on its way. */
static void send_udp(struct sender *sender)
{
	char path[4096], message[MESSAGE_MAX];
	long number, arrived;
	int watched;

	path_of(path, sizeof(path), "out", sender->plan->output);
	watched = watch(path);
	for (number = 0; number < count; number++) {
		size_t len = compose(sender->plan, number, message);

		write_all(sender, message, len - 1);
		if (number % UDP_WINDOW != UDP_WINDOW - 1)
			continue;
		arrived = await_lines(path, watched, number + 1 - sender->lost,
				      UDP_PATIENCE_MS);
		if (arrived < number + 1 - sender->lost)
			sender->lost = number + 1 - arrived;
	}
	close(watched);
}

static void send_datagrams(struct sender *sender)
{
	char message[MESSAGE_MAX];
	long number;

	for (number = 0; number < count; number++) {
		size_t len = compose(sender->plan, number, message);

		write_all(sender, message, len - 1);
	}
}

static void *run(void *cookie)
{
	struct sender *sender = cookie;

	if (sender->plan->kind == UDP)
		send_udp(sender);
	else if (sender->plan->kind == UNIX_DATAGRAM)
		send_datagrams(sender);
	else
		send_stream(sender);
	close(sender->fd);
	return NULL;
}

/* Its last line; what is missing is for the check to tell. */
static void await_output(const char *output)
{
	char path[4096];
	long wanted = 0;
	int i, watched;

	for (i = 0; i < NUM_PLANS; i++)
		if (!strcmp(plans[i].output, output))
			wanted += count - senders[i].lost;
	path_of(path, sizeof(path), "out", output);
	watched = watch(path);
	await_lines(path, watched, wanted, PATIENCE_MS);
	close(watched);
}

static int is_first_of_output(int plan)
{
	return plan == 0 ||
	       strcmp(plans[plan].output, plans[plan - 1].output) != 0;
}

static long arrived_in_all(int tell)
{
	char path[4096];
	long lines, sum = 0;
	int i;

	for (i = 0; i < NUM_PLANS; i++) {
		if (!is_first_of_output(i))
			continue;
		path_of(path, sizeof(path), "out", plans[i].output);
		lines = lines_of(path);
		sum += lines;
		if (tell)
			printf(" %s %ld", plans[i].output, lines);
	}
	return sum;
}

/* When half of everything has come out, with the rest on its way. */
static void reload(void)
{
	char path[4096];
	int watched;

	path_of(path, sizeof(path), "out", ".");
	watched = watch(path);
	while (arrived_in_all(0) < count * NUM_PLANS / 2)
		if (!await_change(watched, PATIENCE_MS))
			die("half of the messages have not arrived");
	close(watched);
	if (kill(reloaded, SIGHUP) < 0)
		die("reload");
	printf("arrived at the reload:");
	arrived_in_all(1);
	printf("\n");
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void start_all(void)
{
	int i;

	for (i = 0; i < NUM_PLANS; i++) {
		senders[i].plan = &plans[i];
		senders[i].random = (unsigned)i + 1;
		senders[i].fd = open_plan(&plans[i]);
	}
	for (i = 0; i < NUM_PLANS; i++) {
		errno = pthread_create(&senders[i].thread, NULL, run,
				       &senders[i]);
		if (errno)
			die("pthread_create");
	}
}

/* The last message of each output that sources of this kind have. */
static void await_kind(enum kind kind)
{
	int i;

	for (i = 0; i < NUM_PLANS; i++)
		if (plans[i].kind == kind && is_first_of_output(i))
			await_output(plans[i].output);
}

static void tell(const char *what, int sources, double start)
{
	printf("%s %.0f\n", what, (double)count * sources / (now_s() - start));
}

int main(int argc, char **argv)
{
	double start;
	int i;

	if (argc != 6) {
		fprintf(stderr, "usage: syslog_load DIRECTORY ADDRESS PORT "
				"COUNT PID\n");
		return 2;
	}
	directory = argv[1];
	address = argv[2];
	port = (uint16_t)strtoul(argv[3], NULL, 10);
	count = strtol(argv[4], NULL, 10);
	reloaded = (pid_t)strtol(argv[5], NULL, 10);
	signal(SIGPIPE, SIG_IGN);

	start = now_s();
	start_all();
	if (reloaded)
		reload();
	await_kind(TCP);
	await_kind(UNIX_STREAM);
	tell("streams_per_s", STREAMS, start);
	for (i = 0; i < NUM_PLANS; i++)
		pthread_join(senders[i].thread, NULL);
	for (i = 0; i < NUM_PLANS; i++)
		await_kind(plans[i].kind);
	tell("all_per_s", NUM_PLANS, start);
	return 0;
}
