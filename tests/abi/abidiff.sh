#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# abidiff.sh DEBIAN_LIBRARY OUR_LIBRARY - nothing is removed or changed
#
# abidiff's status has bit 2 for a change, which an added function is, and bit
# 3 for one that breaks programs.
set -eu

status=0
report=$(abidiff "$1" "$2") || status=$?
printf '%s\n' "$report"

if [ $((status & ~4)) -ne 0 ]; then
	echo "abidiff: status $status"
	exit 1
fi
if grep -qE '[1-9][0-9]* (Removed|Changed)' <<<"$report"; then
	echo 'abidiff: something is removed or changed'
	exit 1
fi

echo 'abidiff: nothing is removed or changed'
