/* Pass on what a client sends to a server, and then that it has ended. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <iv.h>
#include <iv_fd_pump.h>

/*
 *	client[0] ---- client[1]  pump  server[0] ---- server[1]
 */
static int client[2];
static int server[2];

static struct iv_fd from;
static struct iv_fd to;
static struct iv_fd_pump pump;

static void run(void *cookie)
{
	(void)cookie;
	switch (iv_fd_pump_pump(&pump)) {
	case 1:
		return; /* set_bands() has been told what to wait for */
	case -1:
		perror("iv_fd_pump_pump");
		break;
	default:
		puts("all is passed on");
	}

	iv_fd_pump_destroy(&pump);
	iv_fd_unregister(&from);
	iv_fd_unregister(&to);
}

static void set_bands(void *cookie, int pollin, int pollout)
{
	(void)cookie;
	iv_fd_set_handler_in(&from, pollin ? run : NULL);
	iv_fd_set_handler_out(&to, pollout ? run : NULL);
}

static void watch(struct iv_fd *fd, int number)
{
	IV_FD_INIT(fd);
	fd->fd = number;
	iv_fd_register(fd);
}

static void start_pump(void)
{
	watch(&from, client[1]);
	watch(&to, server[0]);

	IV_FD_PUMP_INIT(&pump);
	pump.from_fd = from.fd;
	pump.to_fd = to.fd;
	pump.set_bands = set_bands;
	pump.flags = IV_FD_PUMP_FLAG_RELAY_EOF;
	iv_fd_pump_init(&pump);
}

static void print_what_arrived(void)
{
	char buf[256];
	ssize_t len;

	while ((len = read(server[1], buf, sizeof(buf))) > 0)
		printf("the server got \"%.*s\"\n", (int)len, buf);
	if (len == 0)
		puts("and the end");
}

static void close_all(void)
{
	close(client[0]);
	close(client[1]);
	close(server[0]);
	close(server[1]);
}

int main(void)
{
	const char *word = "hello";

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, client) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, server) < 0) {
		perror("socketpair");
		return 1;
	}

	iv_init();
	start_pump();
	if (write(client[0], word, strlen(word)) < 0)
		perror("write");
	shutdown(client[0], SHUT_WR);

	iv_main(); /* returns when both are unregistered */
	iv_deinit();

	print_what_arrived();
	close_all();

	return 0;
}
