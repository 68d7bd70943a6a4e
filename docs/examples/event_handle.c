/* Tell who asked, if it still wants to know. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <iv.h>
#include <iv_event_handle.h>

/* Goes when the answer has come, or when nobody waits for it any more. */
struct request {
	struct iv_event answered;
	iv_event_handle handle;
	const char *name;
};

static void end_request(struct request *request)
{
	iv_event_unregister(&request->answered);
	free(request);
}

static void got_answer(void *cookie)
{
	struct request *request = cookie;

	printf("%s: answered\n", request->name);
	end_request(request);
}

static struct request *begin_request(const char *name)
{
	struct request *request = calloc(1, sizeof(*request));

	if (request == NULL) {
		perror("calloc");
		exit(1);
	}

	request->name = name;
	request->answered.cookie = request;
	request->answered.handler = got_answer;
	if (iv_event_register(&request->answered) < 0) {
		perror("iv_event_register");
		exit(1);
	}
	request->handle = iv_event_handle_of(&request->answered);
	if (request->handle == 0) {
		perror("iv_event_handle_of");
		exit(1);
	}

	return request;
}

/* Has numbers, no pointers: the requests may be gone. */
static void *answer(void *arg)
{
	const iv_event_handle *handles = arg;
	int num_gone = 0;
	int i;

	for (i = 0; i < 2; i++)
		if (iv_event_handle_post(handles[i]) == -ENOENT)
			num_gone++;
	printf("%d of 2 no longer asked for\n", num_gone);

	return NULL;
}

int main(void)
{
	iv_event_handle handles[2];
	struct request *kept, *given_up;
	pthread_t thread;
	int ret;

	iv_init();
	kept = begin_request("kept");
	handles[0] = kept->handle;
	given_up = begin_request("given up");
	handles[1] = given_up->handle;
	end_request(given_up); /* asks nobody, waits for nobody */

	ret = pthread_create(&thread, NULL, answer, handles);
	if (ret != 0) {
		fprintf(stderr, "pthread_create: %s\n", strerror(ret));
		return 1;
	}
	iv_main();
	iv_deinit();
	pthread_join(thread, NULL);

	return 0;
}
