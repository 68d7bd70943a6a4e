/* Watch a directory: be told of a file that comes and goes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <iv.h>
#include <iv_inotify.h>

static struct iv_inotify inotify;
static struct iv_inotify_watch watch;

static void changed(void *cookie, struct inotify_event *event)
{
	const char *name = event->len > 0 ? event->name : cookie;

	if (event->mask & IN_Q_OVERFLOW)
		puts("too much at once: a real program looks for itself");
	if (event->mask & IN_CREATE)
		printf("%s has come\n", name);
	if (event->mask & IN_DELETE)
		printf("%s has gone\n", name);

	/* The directory itself: the watch has unregistered itself by now. */
	if (event->mask & IN_IGNORED) {
		puts("the end");
		iv_inotify_unregister(&inotify);
	}
}

static int start_watch(char *dir)
{
	IV_INOTIFY_INIT(&inotify);
	if (iv_inotify_register(&inotify) < 0) {
		perror("iv_inotify_register");
		return -1;
	}

	IV_INOTIFY_WATCH_INIT(&watch);
	watch.inotify = &inotify;
	watch.pathname = dir;
	watch.mask = IN_CREATE | IN_DELETE;
	watch.cookie = dir;
	watch.handler = changed;
	if (iv_inotify_watch_register(&watch) < 0) {
		perror(dir);
		iv_inotify_unregister(&inotify);
		return -1;
	}

	return 0;
}

/* What another program would do meanwhile. */
static void make_changes(const char *dir)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd >= 0)
		close(fd);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	char dir[] = "/tmp/example.XXXXXX";
	int ret;

	if (mkdtemp(dir) == NULL) {
		perror("mkdtemp");
		return 1;
	}

	iv_init();
	ret = start_watch(dir);
	make_changes(dir);

	iv_main(); /* returns when the instance is unregistered */
	iv_deinit();

	return ret < 0;
}
