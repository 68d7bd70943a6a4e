/* SPDX-License-Identifier: MIT */
/*
 * old.h - what Debian's headers leave out, for tests compiled with them
 */
#include <stddef.h>
#include <iv.h>
#include <iv_work.h>

/* There the one is an empty macro; the other is for binaries only. */
#undef iv_validate_now
void iv_validate_now(void);
const struct timespec *__iv_now_location(void);

/* Not in ivykis 0.42, but in the library that the tests run with. */
void __attribute__((weak))
iv_work_pool_submit_continuation(struct iv_work_pool *pool,
				 struct iv_work_item *item);
