/* SPDX-License-Identifier: MIT */
/* listener.c - accepts connections while there are descriptors */
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"
#include "loop.h"

#define BACKLOG 1024
#define BATCH 16 /* accepted at most before others' turn */
#define PAUSE_MS 100

/* A socket bound to where, with or without others at the same address. */
static int bind_socket(const struct addrinfo *where, int shared)
{
	const int on = 1;
	int error;
	int sock = socket(where->ai_family,
			  SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (sock == -1)
		return -1;
	/* Accepted sockets inherit TCP_NODELAY. */
	if (setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    setsockopt(sock, SOL_SOCKET, SO_REUSEPORT, &shared,
		       sizeof(shared)) == 0 &&
	    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
	    bind(sock, where->ai_addr, where->ai_addrlen) == 0)
		return sock;
	error = errno;
	close(sock);
	errno = error;
	return -1;
}

/*
 * SO_REUSEPORT would let two servers share a port, and its clients, without
 * a word. A first socket without it is refused when somebody is there.
 */
static int open_socket(const struct addrinfo *where, bool first)
{
	int sock = bind_socket(where, !first);

	if (sock != -1 && first) {
		close(sock);
		sock = bind_socket(where, 1);
	}
	if (sock != -1 && listen(sock, BACKLOG) != 0) {
		close(sock);
		return -1;
	}
	return sock;
}

static unsigned port_of(int sock)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} bound = { .v6.sin6_family = AF_UNSPEC };
	socklen_t length = sizeof(bound);

	if (getsockname(sock, &bound.any, &length) != 0)
		return 0;
	return ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port
						     : bound.v4.sin_port);
}

int listener_bind(const char *address, unsigned *port, bool first, char *why,
		  size_t size)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;
	char service[8];
	int error;
	int sock;

	snprintf(service, sizeof(service), "%u", *port);
	error = getaddrinfo(address, service, &hints, &found);
	if (error != 0) {
		snprintf(why, size, "'%s' is no numeric address: %s", address,
			 gai_strerror(error));
		return -1;
	}
	sock = open_socket(found, first);
	if (sock == -1)
		snprintf(why, size, "cannot listen on %s, port %u: %s", address,
			 *port, strerror(errno));
	else
		*port = port_of(sock);
	freeaddrinfo(found);
	return sock;
}

/*
 * Accepting stops while some descriptors are still free: the clients that
 * are already here need them, for their files and for new workers. The
 * kernel gives out the lowest free number, so sock tells how many are in
 * use.
 */
static bool is_scarce(const struct loop *loop, int sock)
{
	const struct options *options = loop->options;
	rlim_t reserve = 16 + 4 * options->loops * options->threads;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	if (reserve > limit.rlim_cur / 2)
		reserve = limit.rlim_cur / 2;
	return (rlim_t)sock >= limit.rlim_cur - reserve;
}

/* The same before anybody is accepted: any descriptor tells. */
static bool is_still_scarce(const struct loop *loop)
{
	int next = fcntl(loop->listen_fd, F_DUPFD_CLOEXEC, 0);

	if (next == -1)
		return true;
	close(next);
	return is_scarce(loop, next);
}

static void look_again_later(struct loop *loop)
{
	loop->accept_again.expires = time_after_ms(PAUSE_MS);
	iv_timer_register(&loop->accept_again);
}

static void pause_accepting(struct loop *loop)
{
	loop->accept_paused = true;
	loop->counters.accept_pauses++;
	iv_fd_set_handler_in(&loop->listener, NULL);
	look_again_later(loop);
}

static bool accept_one(struct loop *loop)
{
	int sock = accept4(loop->listen_fd, NULL, NULL,
			   SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (sock == -1 && (errno == EMFILE || errno == ENFILE ||
			   errno == ENOBUFS || errno == ENOMEM))
		pause_accepting(loop);
	if (sock == -1)
		return false;
	connection_open(loop, sock);
	if (!is_scarce(loop, sock))
		return true;
	pause_accepting(loop);
	return false;
}

static void on_acceptable(void *cookie)
{
	for (int i = 0; i < BATCH; i++)
		if (!accept_one(cookie))
			break;
}

/* One more each time would use up what is kept free, if nobody goes. */
static void on_accept_again(void *cookie)
{
	if (is_still_scarce(cookie))
		look_again_later(cookie);
	else
		listener_resume(cookie);
}

void listener_open(struct loop *loop)
{
	IV_TIMER_INIT(&loop->accept_again);
	loop->accept_again.cookie = loop;
	loop->accept_again.handler = on_accept_again;

	IV_FD_INIT(&loop->listener);
	loop->listener.fd = loop->listen_fd;
	loop->listener.cookie = loop;
	loop->listener.handler_in = on_acceptable;
	iv_fd_register(&loop->listener);
}

/* Somebody has gone. Still too few? Then the next accept pauses again. */
void listener_resume(struct loop *loop)
{
	if (!loop->accept_paused)
		return;
	loop->accept_paused = false;
	if (iv_timer_registered(&loop->accept_again))
		iv_timer_unregister(&loop->accept_again);
	iv_fd_set_handler_in(&loop->listener, on_acceptable);
}

void listener_close(struct loop *loop)
{
	listener_resume(loop);
	iv_fd_unregister(&loop->listener);
	close(loop->listen_fd);
}
