/* SPDX-License-Identifier: MIT */
/*
 * work_local.h - work items submitted without a pool
 */
#ifndef IV__WORK_LOCAL_H
#define IV__WORK_LOCAL_H

#include <stdbool.h>
#include <iv_work.h>

/* Run the item and its completion on the calling loop, from a task. */
void iv__work_run_here(struct iv_work_item *item);

/* Is there one that has not begun? */
bool iv__work_waits_here(void);

#endif
