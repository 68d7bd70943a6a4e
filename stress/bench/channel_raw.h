/* SPDX-License-Identifier: MIT */
/* Adapter of the channel cases: the hand-written reference of raw_queue.h. */
#include "raw_queue.h"

#define reference raw_queue
#define reference_open raw_queue_open
#define reference_run raw_queue_run
#define reference_close raw_queue_close
#define reference_send raw_queue_send
#include "channel_by_hand.h"
