/* SPDX-License-Identifier: MIT */
/* offload.c - give what may block to the loop's pool of workers */
#include "offload.h"

#include <assert.h>

#include "connection.h"
#include "loop.h"

/* In a worker. The times travel back with the job. */
static void run(void *cookie)
{
	struct connection *connection = cookie;
	struct job *job = &connection->job;

	job->started_ns = monotonic_ns();
	job->work(connection);
	job->finished_ns = monotonic_ns();
}

static void complete(void *cookie)
{
	struct connection *connection = cookie;
	struct counters *counters = &connection->loop->counters;
	struct job *job = &connection->job;

	job->flying = false;
	counters->completed++;
	counters->posts++;
	histogram_add(&counters->wait, job->started_ns - job->submitted_ns);
	histogram_add(&counters->run, job->finished_ns - job->started_ns);
	job->done(connection);
}

void offload(struct connection *connection,
	     void (*work)(struct connection *connection),
	     void (*done)(struct connection *connection))
{
	struct job *job = &connection->job;

	IV_WORK_ITEM_INIT(&job->item);
	job->item.cookie = connection;
	job->item.work = run;
	job->item.completion = complete;
	job->work = work;
	job->done = done;
	assert(!job->flying);
	job->flying = true;
	job->submitted_ns = monotonic_ns();
	connection->loop->counters.submitted++;
	iv_work_pool_submit_work(&connection->loop->pool, &job->item);
}
