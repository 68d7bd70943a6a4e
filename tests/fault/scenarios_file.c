/* SPDX-License-Identifier: MIT */
/*
 * scenarios_file.c - inotify and pumps
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <iv_fd_pump.h>
#include <iv_inotify.h>
#include "bed.h"

enum { NUM_BYTES = 100000 };

/* inotify *****************************************************************/

static char path[64];
static int file = -1;
static int num_events;

/*
 * A file without a name, so that nobody has to remove it: runs are killed, and
 * so may be whoever started them.
 */
static void prepare_file(void)
{
	const char *tmp = getenv("TMPDIR");
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s/sweep.XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	file = mkostemp(name, O_CLOEXEC);
	if (file < 0) {
		perror("sweep: mkostemp");
		exit(2);
	}
	unlink(name);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
}

static void got_event(void *cookie, struct inotify_event *event)
{
	struct iv_inotify_watch *watch = cookie;

	EXPECT(event->mask & IN_MODIFY, "the wrong event");
	num_events++;
	iv_inotify_watch_unregister(watch);
	iv_inotify_unregister(watch->inotify);
}

static bool
add_watch(struct iv_inotify *inotify, struct iv_inotify_watch *watch)
{
	IV_INOTIFY_WATCH_INIT(watch);
	watch->inotify = inotify;
	watch->pathname = path;
	watch->mask = IN_MODIFY;
	watch->cookie = watch;
	watch->handler = got_event;
	if (iv_inotify_watch_register(watch) == 0)
		return true;

	refused("iv_inotify_watch_register");

	return false;
}

static void run_inotify(void)
{
	static struct iv_inotify inotify;
	static struct iv_inotify_watch watch;

	num_events = 0;
	open_loop();
	IV_INOTIFY_INIT(&inotify);
	if (iv_inotify_register(&inotify) == 0) {
		if (add_watch(&inotify, &watch)) {
			need_write(file, "x");
			run_loop("an event of a file");
			EXPECT(num_events == 1, "%d of 1 events", num_events);
		} else {
			iv_inotify_unregister(&inotify);
		}
	} else {
		refused("iv_inotify_register");
	}
	close_loop();
}

/* Pumps *******************************************************************/

/* source -> from [pump] to -> sink, once for each round. */
struct way {
	int source[2];
	int sink[2];
};

static struct way ways[2];
static struct way *way;
static struct iv_fd from, to, source, sink;
static struct iv_fd_pump pump;
static int num_sent, num_received;
static bool pump_failed;

static void prepare_ways(void)
{
	need_pair(ways[0].source);
	need_pair(ways[0].sink);
	need_pair(ways[1].source);
	need_pair(ways[1].sink);
}

static void stop_pump(void)
{
	iv_fd_pump_destroy(&pump);
	iv_fd_unregister(&from);
	iv_fd_unregister(&to);
}

/* Nobody reads what a broken pump does not deliver. */
static void give_up(void)
{
	stop_pump();
	if (iv_fd_registered(&source))
		iv_fd_unregister(&source);
	iv_fd_unregister(&sink);
	pump_failed = true;
}

/* After ENOMEM it may be called again, and has lost nothing. */
static void do_pump(void *cookie)
{
	int ret = iv_fd_pump_pump(&pump);

	(void)cookie;
	if (ret < 0) {
		refused("iv_fd_pump_pump");
		if (errno == ENOMEM)
			ret = iv_fd_pump_pump(&pump);
	}
	if (ret < 0)
		give_up();
	else if (ret == 0)
		stop_pump();
}

static void set_bands(void *cookie, int in, int out)
{
	(void)cookie;
	iv_fd_set_handler_in(&from, in ? do_pump : NULL);
	iv_fd_set_handler_out(&to, out ? do_pump : NULL);
}

static void send_some(void *cookie)
{
	static char bytes[8192];
	size_t num = NUM_BYTES - num_sent;
	ssize_t ret;

	(void)cookie;
	if (num > sizeof(bytes))
		num = sizeof(bytes);
	memset(bytes, 'a' + num_sent % 26, num);
	ret = write(source.fd, bytes, num);
	if (ret > 0)
		num_sent += (int)ret;
	if (num_sent == NUM_BYTES) {
		shutdown(source.fd, SHUT_WR);
		iv_fd_unregister(&source);
	}
}

static void receive_some(void *cookie)
{
	char bytes[4096];
	ssize_t ret = read(sink.fd, bytes, sizeof(bytes));

	(void)cookie;
	if (ret > 0)
		num_received += (int)ret;
	if (ret == 0)
		iv_fd_unregister(&sink);
}

static void add_fd(struct iv_fd *fd, int number)
{
	IV_FD_INIT(fd);
	fd->fd = number;
	iv_fd_register(fd);
}

static void run_pump(void)
{
	way = &ways[bed_round];
	num_sent = 0;
	num_received = 0;
	pump_failed = false;
	open_loop();
	add_fd(&source, way->source[0]);
	add_fd(&from, way->source[1]);
	add_fd(&to, way->sink[0]);
	add_fd(&sink, way->sink[1]);
	iv_fd_set_handler_out(&source, send_some);
	iv_fd_set_handler_in(&sink, receive_some);

	IV_FD_PUMP_INIT(&pump);
	pump.from_fd = from.fd;
	pump.to_fd = to.fd;
	pump.set_bands = set_bands;
	pump.flags = IV_FD_PUMP_FLAG_RELAY_EOF;
	iv_fd_pump_init(&pump);
	run_loop("bytes to arrive through a pump");
	EXPECT(pump_failed || num_received == NUM_BYTES,
	       "%d of %d bytes have arrived", num_received, NUM_BYTES);
	close_loop();
}

const struct scenario file_scenarios[] = {
	{ "inotify", "a change of a file", prepare_file, run_inotify },
	{ "pump", "100000 bytes from socket to socket", prepare_ways,
	  run_pump },
	{ 0 },
};
