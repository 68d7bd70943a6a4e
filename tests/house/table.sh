#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# table.sh SOURCE_DIR - each pair of operations has an outcome and a test
#
# The table "Operation by operation" of docs/concurrency.md: no cell but a
# repeated operation is empty, and what stands in the last column is a test
# case of tests/ or a program of stress/.
set -eu

cd "$1"

rows=$(sed -n '/^## Operation by operation$/,/^## Race/p' docs/concurrency.md |
	grep '^|' | sed '1,2d')
[ "$(wc -l <<<"$rows")" -gt 50 ] || { echo "the table is gone"; exit 1; }

wrong=$(
	awk -F ' *[|] *' '
		NF != 6 || $3 == "" || $4 == "" || $5 == "" {
			print "a cell is empty, or one too many: " $0
		}' <<<"$rows"
	awk -F ' *[|] *' '{ gsub("`", "", $5); print $5 }' <<<"$rows" | sort -u |
		while read -r name; do
			[ -e "stress/$name.c" ] ||
				grep -q "TEST($name)" tests/test_*.c ||
				echo "no such test: '$name'"
		done
)
[ -z "$wrong" ] || { printf '%s\n' "$wrong"; exit 1; }

echo "each pair of operations has an outcome and a test"
