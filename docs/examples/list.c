/* A queue of one's own structures, linked through a member of theirs. */
#include <stdio.h>
#include <iv_list.h>

struct job {
	int number;
	struct iv_list_head list;
};

static void add(struct iv_list_head *jobs, struct job *job, int number)
{
	job->number = number;
	iv_list_add_tail(&job->list, jobs);
}

int main(void)
{
	struct iv_list_head jobs = IV_LIST_HEAD_INIT(jobs);
	struct iv_list_head *lh;
	struct iv_list_head *next;
	struct job job[3];
	int i;

	for (i = 0; i < 3; i++)
		add(&jobs, &job[i], i + 1);

	iv_list_for_each_safe (lh, next, &jobs) {
		struct job *one = iv_container_of(lh, struct job, list);

		if (one->number == 2)
			iv_list_del(&one->list);
	}

	iv_list_for_each (lh, &jobs)
		printf("job %d\n",
		       iv_container_of(lh, struct job, list)->number);

	return 0;
}
