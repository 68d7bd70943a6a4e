#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# layering.sh SOURCE_DIR OBJECT_DIR - threads -> runtime -> include
#
# OBJECT_DIR holds the library's object files in runtime/ and threads/. Each
# rule that is broken is named with the place; the exit status is then 1.
set -eu
shopt -s globstar nullglob

cd "$1"
objects=$2
broken=0

# complain RULE LINES - unless LINES is empty
complain() {
	[ -n "$2" ] || return 0
	printf 'layering: %s\n' "$1"
	printf '%s\n' "$2" | sed 's/^/    /'
	broken=1
}

# including PATTERN FILE... - the lines that include such a header
including() {
	local pattern=$1
	shift
	[ $# -eq 0 ] && return
	grep -HnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$pattern" \
		"$@" || [ $? -eq 1 ]
}

# reaching DIR FILE... - the lines that include a header of ours in DIR: by a
# path from the file itself, or, in white-box tests, from the top
reaching() {
	local dir=$1 file line name path
	shift
	[ $# -eq 0 ] && return
	grep -HnoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*"' "$@" |
		sed -E 's/^([^:]*:[0-9]+:).*"(.*)"$/\1\2/' |
		while IFS=: read -r file line name; do
			path=$(realpath -m --relative-to=. \
				"$(dirname "$file")/$name")
			[ -e "$path" ] || path=$name
			case $path in
			"$dir"/*) echo "$file:$line: $path" ;;
			esac
		done
}

# symbols LETTERS FILE... - names of the types LETTERS that nm knows
symbols() {
	local letters=$1
	shift
	nm -P "$@" | awk -v want="$letters" \
		'NF >= 2 && length($2) == 1 && index(want, $2) { print $1 }' |
		sort -u
}

runtime=(runtime/**/*.[ch])
outside=(tests/**/*.[ch] stress/**/*.[ch] docs/examples/**/*.[ch])

complain 'include/ may include only include/ and the system' \
	"$(including '.*(runtime|threads)/' include/*.h)"

complain 'runtime/ must not include headers of threads/' \
	"$(reaching threads "${runtime[@]}")"

complain 'only threads/rcu.h includes urcu' \
	"$(including 'urcu' include/*.h "${runtime[@]}" threads/*.[ch] \
		"${outside[@]}" | grep -v '^threads/rcu\.h:' || [ $? -eq 1 ])"

complain 'tests, stress and examples see only include/' \
	"$(reaching threads "${outside[@]}"
	reaching runtime "${outside[@]}" |
		grep -vE '^tests/(test_timer_model\.c|timer_queue_bed\.h):.* runtime/timer_queue\.h$' ||
		[ $? -eq 1 ])"

complain 'only runtime/backend.c may tell operating systems apart' \
	"$(grep -HnE '^[[:space:]]*#.*__(linux|FreeBSD|NetBSD|OpenBSD|APPLE|DragonFly|sun|unix|gnu_linux)' \
		include/*.h "${runtime[@]}" threads/*.[ch] |
		grep -v '^runtime/backend\.c:' || [ $? -eq 1 ])"

# What the object files need, whatever the sources look like.
runtime_objects=("$objects"/runtime/**/*.o)
threads_objects=("$objects"/threads/**/*.o)
if [ ${#runtime_objects[@]} -eq 0 ] || [ ${#threads_objects[@]} -eq 0 ]; then
	echo "layering: no object files in $objects; build the library first"
	exit 1
fi

needed=$(symbols U "${runtime_objects[@]}")

complain 'runtime/ has no locks and starts no threads' \
	"$(grep -xE 'pthread_(mutex|cond|rwlock|spin|barrier|create|join|detach|cancel).*|(sem|mtx|cnd|thrd|urcu|rcu)_.*|call_rcu.*|synchronize_rcu.*|futex|syscall' \
		<<<"$needed" || [ $? -eq 1 ])"

above=$(comm -23 <(symbols TDBRVWC "${threads_objects[@]}") \
	<(symbols TDBRVWC "${runtime_objects[@]}"))
complain 'runtime/ must not refer to what threads/ defines' \
	"$(comm -12 <(printf '%s\n' "$needed") <(printf '%s\n' "$above"))"

[ $broken -eq 0 ] && echo "layering: threads -> runtime -> include holds"
exit $broken
