/* SPDX-License-Identifier: MIT */
/*
 * An echo server on one loop, and a client thread that keeps one message on
 * its way on each connection. Part of fd_cases.c.
 */
#include <pthread.h>
#include <sys/epoll.h>

enum { CONNECTIONS = 64, MESSAGE = 64 };

static struct echo {
	struct peer_fd served[CONNECTIONS];
	int fds[CONNECTIONS][2];
	unsigned long count, total;
	int client_cpu;
} echo;

static void serve(void *cookie)
{
	const int *fds = cookie;
	char message[MESSAGE];
	ssize_t length = read(fds[0], message, sizeof(message));

	must_be(length == MESSAGE, "read");
	must_be(write(fds[0], message, MESSAGE) == MESSAGE, "write");
	if (++echo.count == echo.total)
		loop_stop();
}

static void say(int fd)
{
	static const char message[MESSAGE];

	must_be(write(fd, message, MESSAGE) == MESSAGE, "write");
}

static void client_open(int epoll_fd)
{
	int i;

	for (i = 0; i < CONNECTIONS; i++) {
		struct epoll_event ev = { .events = EPOLLIN,
					  .data.fd = echo.fds[i][1] };

		must_be(!epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ev.data.fd, &ev),
			"epoll_ctl");
		say(ev.data.fd);
	}
}

static void *client(void *unused)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event batch[CONNECTIONS];
	unsigned long said = CONNECTIONS, heard_back = 0;
	char message[MESSAGE];
	int count, i;

	peer_pin((unsigned)echo.client_cpu);
	client_open(epoll_fd);
	while (heard_back < echo.total) {
		count = epoll_wait(epoll_fd, batch, CONNECTIONS, -1);
		for (i = 0; i < count; i++) {
			must_be(read(batch[i].data.fd, message, MESSAGE) ==
					MESSAGE,
				"read");
			heard_back++;
			if (said++ < echo.total)
				say(batch[i].data.fd);
		}
	}
	close(epoll_fd);
	return unused;
}

static void echo_open(void)
{
	int i;

	peer_pin(1);
	loop_open();
	for (i = 0; i < CONNECTIONS; i++) {
		open_pair(echo.fds[i], SOCK_NONBLOCK | SOCK_CLOEXEC);
		fd_open(&echo.served[i], echo.fds[i][0], serve, echo.fds[i]);
		fd_register(&echo.served[i]);
	}
}

/* Nanoseconds of the server's thread an echo; the others with the client's. */
static double echo_run(int client_cpu, uint64_t *wall, uint64_t *all_cpu)
{
	uint64_t start = process_cpu_ns(), start_wall, start_cpu;
	pthread_t thread;
	double ns;

	echo.total = peer_scaled(2000) * CONNECTIONS;
	echo.client_cpu = client_cpu;
	start_wall = wall_ns();
	start_cpu = thread_cpu_ns();
	must_be(!pthread_create(&thread, NULL, client, NULL), "pthread_create");
	loop_run();
	ns = (double)(thread_cpu_ns() - start_cpu) / (double)echo.total;
	*wall = wall_ns() - start_wall;
	pthread_join(thread, NULL);
	*all_cpu = process_cpu_ns() - start;
	return ns;
}

static void echo_case(void)
{
	uint64_t wall, all_cpu;

	echo_open();
	peer_report("echo-cpu", echo_run(0, &wall, &all_cpu));
	peer_report("echo", (double)echo.total * 1e6 / (double)wall);
}

/* A CPU's second is the same however many others share the CPU. */
static void echo_one_cpu_case(void)
{
	uint64_t wall, all_cpu;

	echo_open();
	peer_report("echo-1cpu-cpu", echo_run(1, &wall, &all_cpu));
	peer_report("echo-1cpu", (double)echo.total * 1e6 / (double)all_cpu);
}
