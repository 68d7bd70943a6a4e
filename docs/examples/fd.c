/* Echo over a socket pair: read when it is ready, write the answer back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <iv.h>

static void echo(void *cookie)
{
	struct iv_fd *fd = cookie;
	char buf[256];
	ssize_t len;

	len = read(fd->fd, buf, sizeof(buf));
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return; /* level-triggered: called again when it is ready */

	/* Here all fits in; a server waits by handler_out when it does not. */
	if (len > 0 && write(fd->fd, buf, (size_t)len) == len)
		return;

	/* The end, or an error: unregister first, then close. */
	iv_fd_unregister(fd);
	close(fd->fd);
}

static void print(void *cookie)
{
	struct iv_fd *fd = cookie;
	char buf[256];
	ssize_t len;

	len = read(fd->fd, buf, sizeof(buf));
	if (len < 0)
		return;

	printf("it said \"%.*s\"\n", (int)len, buf);
	iv_fd_unregister(fd);
	close(fd->fd); /* the other end reads this as its end */
}

static void
watch(struct iv_fd *fd, int number, void (*handler_in)(void *cookie))
{
	IV_FD_INIT(fd);
	fd->fd = number;
	fd->cookie = fd;
	fd->handler_in = handler_in;
	iv_fd_register(fd);
}

int main(void)
{
	const char *word = "hello";
	struct iv_fd server;
	struct iv_fd client;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) {
		perror("socketpair");
		return 1;
	}

	iv_init();
	watch(&server, pair[0], echo);
	watch(&client, pair[1], print);
	if (write(pair[1], word, strlen(word)) < 0)
		perror("write");

	iv_main(); /* returns when both are unregistered */
	iv_deinit();

	return 0;
}
