/* SPDX-License-Identifier: MIT */
/*
 * installed.c - a user's program: runs a loop and a pool, then prints the
 * file that the library was mapped from
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <iv.h>
#include <iv_avl.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include <iv_thread.h>
#include <iv_tls.h>
#include <iv_work.h>

static int worked;

static void work(void *cookie)
{
	*(int *)cookie += 1;
}

static void work_done(void *cookie)
{
	iv_work_pool_put(cookie);
}

static void run_loop(void)
{
	struct iv_work_pool pool;
	struct iv_work_item item;

	iv_init();

	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = 1;
	if (iv_work_pool_create(&pool)) {
		perror("iv_work_pool_create");
		exit(1);
	}

	IV_WORK_ITEM_INIT(&item);
	item.cookie = &worked;
	item.work = work;
	item.completion = NULL;
	iv_work_pool_submit_work(&pool, &item);
	work_done(&pool);

	iv_main();
	iv_deinit();
}

/* Print the file of the mapping that @address lies in. */
static void print_mapping_of(uintptr_t address)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 128];
	uintptr_t first, end;

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &first, &end) != 2)
			continue;
		if (address >= first && address < end) {
			fputs(strchr(line, '/'), stdout);
			fclose(maps);
			return;
		}
	}

	fputs("the library is not in /proc/self/maps\n", stderr);
	exit(1);
}

int main(void)
{
	run_loop();
	if (worked != 1) {
		fprintf(stderr, "the work ran %d times\n", worked);
		return 1;
	}

	print_mapping_of((uintptr_t)iv_main);
	return 0;
}
