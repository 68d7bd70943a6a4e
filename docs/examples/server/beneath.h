/* SPDX-License-Identifier: MIT */
/* beneath.h - open a path that must stay inside a directory */
#ifndef SERVER_BENEATH_H
#define SERVER_BENEATH_H

#include <stdbool.h>

/* Whether the kernel has openat2(2) and, in a sandbox, allows it. */
bool beneath_supported(int root);

/*
 * Opens path for reading, starting at the directory root. No "..", no
 * symbolic link and nothing that changes meanwhile leads out of root; an
 * attempt fails with EXDEV. Absolute links always count as an attempt.
 * May block: call it in a worker.
 *
 * Returns a close-on-exec descriptor in non-blocking mode (so that a
 * FIFO does not hold the worker), or -1 with errno set. When portable is
 * set, openat2(2) is not used: the path is resolved step by step.
 */
int beneath_open(int root, const char *path, bool portable);

#endif
