#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# reported.sh PATTERN... -- COMMAND... - the tool finds the planted defect
#
# COMMAND must fail, and its output must match every PATTERN: a crash, or a
# report about something else, is not what was asked for.
set -u

patterns=()
while [ "$1" != -- ]; do
	patterns+=("$1")
	shift
done
shift

output=$("$@" 2>&1)
status=$?
printf '%s\n' "$output"

if [ $status -eq 0 ]; then
	echo "reported.sh: the defect went unnoticed: exit status 0"
	exit 1
fi
for pattern in "${patterns[@]}"; do
	if ! grep -qE "$pattern" <<<"$output"; then
		echo "reported.sh: status $status, but nothing says: $pattern"
		exit 1
	fi
done
echo "reported.sh: found, as it should be"
