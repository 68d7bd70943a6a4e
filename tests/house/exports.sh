#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# exports.sh LIBRARY MAP INCLUDE_DIR - the library exports what MAP lists
#
# Each symbol in its node as the default version, nothing beside them, nothing
# missing; every one declared by a header; soname libivykis.so.0.
set -eu

library=$1
map=$2
include=$3

listed=$(awk '
	/\{$/			{ node = $1 }
	/^[ \t]*[A-Za-z_0-9]+;$/ { sub(/;/, "", $1); print $1 "@@" node }
' "$map" | sort)
exported=$(nm -D --defined-only --with-symbol-versions "$library" |
	awk '$2 != "A" { print $3 }' | sort)

if ! diff <(printf '%s\n' "$listed") <(printf '%s\n' "$exported"); then
	echo "$map (<) and $library (>) differ"
	exit 1
fi

undeclared=$(printf '%s\n' "$listed" | sed 's/@@.*//' |
	while read -r symbol; do
		grep -qwE "$symbol" "$include"/*.h || echo "$symbol"
	done)
if [ -n "$undeclared" ]; then
	printf 'exported but in no header: %s\n' "$undeclared"
	exit 1
fi

soname=$(readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
if [ "$soname" != libivykis.so.0 ]; then
	echo "the soname is $soname, not libivykis.so.0"
	exit 1
fi

echo "$(printf '%s\n' "$listed" | wc -l) symbols, each in its node"
