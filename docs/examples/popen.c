/* Run a program and read what it writes, while the loop stays free. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <iv.h>
#include <iv_popen.h>

static char *argv[] = { "echo", "hello from a program", NULL };
static struct iv_popen_request request;
static struct iv_fd output;

static void got_output(void *cookie)
{
	char buf[256];
	ssize_t ret = read(output.fd, buf, sizeof(buf));

	(void)cookie;
	if (ret < 0 && errno == EAGAIN)
		return;
	if (ret > 0) {
		fwrite(buf, 1, (size_t)ret, stdout);
		return;
	}

	/* It has closed its side. The loop goes on until it has ended. */
	iv_fd_unregister(&output);
	close(output.fd);
	iv_popen_request_close(&request);
}

int main(void)
{
	iv_init();

	IV_POPEN_REQUEST_INIT(&request);
	request.file = argv[0];
	request.argv = argv;
	request.type = "r";
	IV_FD_INIT(&output);
	output.fd = iv_popen_request_submit(&request);
	if (output.fd < 0) {
		perror("iv_popen_request_submit");
		return 1;
	}
	output.handler_in = got_output;
	iv_fd_register(&output);

	iv_main();
	iv_deinit();

	return 0;
}
