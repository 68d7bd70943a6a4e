#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh OUR_LIBRARY PROGRAM - run a program built for Debian's on ours
#
# It must need libivykis.so.0, and get ours.
set -eu

loaded=$(ldd "$2" | awk '$1 == "libivykis.so.0" { print $3 }')
if [ "$(realpath "$loaded")" != "$(realpath "$1")" ]; then
	echo "$2 would run with '$loaded', not with $1"
	exit 1
fi

exec "$2"
