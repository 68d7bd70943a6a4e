#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# syscalls.sh PROGRAM TABLE - which system calls an operation makes
#
# PROGRAM says where each begins and ends; what strace sees between the two, in
# that thread, must be what TABLE has, line by line: the operation, then its
# calls in their order. Calls for memory do not count.
set -euo pipefail

program=$1
table=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The method whose calls the table has.
export IV_SELECT_POLL_METHOD=epoll
strace -f -qq -s 100 -e trace='!%memory,getrandom' -e signal=none \
	-o "$dir/trace" "$program"

# Each line is a thread's number and a call.
awk '
	function mark(word) {
		if (!match($0, "write\\(-1, \"" word " [^\"]*"))
			return 0
		name = substr($0, RSTART, RLENGTH)
		sub("^write\\(-1, \"" word " ", "", name)
		return 1
	}
	mark("begin") { in_op[$1] = name; calls[$1] = ""; next }
	mark("end") {
		printf "%-30s%s\n", name,
			calls[$1] == "" ? " none" : calls[$1]
		delete in_op[$1]
		next
	}
	!($1 in in_op) || / resumed>/ { next }
	{
		call = $2
		sub(/\(.*/, "", call)
		what = ""
		if (match($0, /EPOLL_CTL_[A-Z]+|FIO[A-Z]+|SO_[A-Z]+/))
			what = ":" substr($0, RSTART, RLENGTH)
		if (/ = -1 E/)
			what = what "(fails)"
		calls[$1] = calls[$1] " " call what
	}
' "$dir/trace" >"$dir/table"

if ! diff -u "$table" "$dir/table"; then
	echo "syscalls: an operation makes other calls than $table says"
	exit 1
fi
echo "syscalls: $(wc -l <"$table") operations make the calls of the table"
