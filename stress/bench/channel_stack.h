/* SPDX-License-Identifier: MIT */
/* Adapter of the channel cases: the hand-written chain of raw_stack.h. */
#include "raw_stack.h"

#define reference raw_stack
#define reference_open raw_stack_open
#define reference_run raw_stack_run
#define reference_close raw_stack_close
#define reference_send raw_stack_send
#include "channel_by_hand.h"
