#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# types.sh DEBIAN_LIBRARY DEBIAN_INCLUDE_DIR OUR_INCLUDE_DIR
#
# Every struct, public member, function and flag of Debian's headers is
# declared by ours, with the same size, place, type and value: types.hh is
# compiled with both and prints the same.
set -eu

library=$1
theirs=$2
ours=$3
source=$(dirname "$(realpath "$0")")/types.hh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# All that the library exports, but for two functions that are left for old
# binaries and in no header of Debian's; and all that is inline.
{
	nm -D --defined-only "$library" | awk '$2 == "T" { print $3 }' |
		sed 's/@.*//' | grep -vx -e __iv_now_location -e iv_validate_now
	printf 'IV_%s_INIT\n' EVENT EVENT_RAW SIGNAL WAIT_INTEREST WORK_ITEM \
		WORK_POOL INOTIFY INOTIFY_WATCH POPEN_REQUEST FD_PUMP
	printf 'iv_avl_tree_%s\n' min max empty next_safe
	printf 'iv_list_%s\n' add add_tail del del_init empty splice \
		splice_init splice_tail splice_tail_init
} | sed 's/.*/FUNCTION(&)/' >"$scratch/functions.inc"

# facts INCLUDE_DIR NAME - print what these headers declare
facts() {
	local from
	from=$(g++ -x c++ -std=c++17 "-I$1" "-I$scratch" -M "$source" | tr ' ' '\n' |
		grep '/iv[a-z_]*\.h$' | xargs -n 1 dirname | sort -u)
	if [ "$(realpath "$from")" != "$(realpath "$1")" ]; then
		echo "the headers came from $from, not from $1"
		exit 1
	fi
	g++ -x c++ -std=c++17 -Wno-invalid-offsetof "-I$1" "-I$scratch" \
		-o "$scratch/$2" "$source"
	"$scratch/$2" >"$scratch/$2.facts"
}

facts "$theirs" theirs
facts "$ours" ours

if ! diff "$scratch/theirs.facts" "$scratch/ours.facts"; then
	echo "Debian's headers (<) and ours (>) differ"
	exit 1
fi

count=$(wc -l <"$scratch/theirs.facts")
echo "$count of $count declarations are the same"
