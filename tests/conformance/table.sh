#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# table.sh RESULTS_DIR EXPECTED - what became of each case, and is it all?
#
# Prints a table of every case on every method with either waker, then the
# counts, and complains where these are not those of EXPECTED. Results that are
# missing, or older than the programs, are made first: CONFORMANCE and
# CONFORMANCE_SHIM name the programs, LIBRARY what the first one is linked with.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
dir=$1
expected=$2

# program_of METHOD
program_of() {
	case $1 in
	kqueue | dev_poll | port*) echo "$CONFORMANCE_SHIM" ;;
	*) echo "$CONFORMANCE" ;;
	esac
}

# is_there METHOD WAKER - are there results, of the programs as they are?
is_there() {
	local results=$dir/$1.$2
	[ -s "$results" ] && [ "$results" -nt "$(program_of "$1")" ] &&
		[ "$results" -nt "$LIBRARY" ]
}

# run METHOD WAKER
run() {
	local environment=(-u IV_FORCE_PIPE -u IV_EXCLUDE_POLL_METHOD)
	[ "$2" = eventfd ] || environment+=(IV_FORCE_PIPE=1)
	env "${environment[@]}" "IV_SELECT_POLL_METHOD=$1" \
		"$here/run.sh" "$dir/$1.$2" "$(program_of "$1")" >/dev/null ||
		: # the table tells
}

files=()
while read -r word method waker _; do
	[ "$word" = expect ] || continue
	is_there "$method" "$waker" || run "$method" "$waker"
	files+=("$dir/$method.$waker")
done <"$expected"

awk -f "$here/table.awk" "$expected" "${files[@]}"
