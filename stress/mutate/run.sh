#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh [MUTANT...] - would the stress programs notice?
#
# Breaks one step of a protocol at a time, in a copy of the sources, builds the
# library and the programs that shall notice, stress programs and tests, and
# wants one of them to fail within a bound of time. A mutant that needs a
# schedule which does not come up is left to the model that has the same
# mutant; the table says so. All programs must pass as long as nothing is
# broken, the first line, and where the list says so. The exit status is 1 when
# a mutant survives.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
root=$(realpath "$here/../..")
case ${1:-} in
-h | --help) sed -n '4,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
wanted=("$@")

for tool in cmake ninja perl; do
	command -v "$tool" >/dev/null ||
		{ echo "mutate: please install $tool" >&2; exit 1; }
done

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/pristine"
tar -C "$root" --exclude=./build --exclude=./.git -cf - . |
	tar -C "$dir/pristine" -xf -
cp -a "$dir/pristine" "$dir/source"
failed=0

# build PROGRAM...
build() {
	cmake --build "$dir/build" --target "$@" >"$dir/log" 2>&1
}

# How much each program does, and how often, before a mutant has survived it.
declare -A counts=([event]=3000 [handle]=20000 [work]=60 [thread]=150
	[channel]=1500 [registry]=1000)
tries=3

# dies PROGRAM - does it report anything?
dies() {
	local name=${1#stress_} i
	local run=("$dir/build/stress/$1" --timeout 30)
	name=${name%_*san}

	case $1 in
	test_*) run=("$dir/build/tests/$1" --timeout 5) ;;
	*) run+=(--count "${counts[$name]}") ;;
	esac
	for ((i = 0; i < tries; i++)); do
		ASAN_OPTIONS=detect_leaks=1 TSAN_OPTIONS=halt_on_error=1 \
			timeout 180 "${run[@]}" >"$dir/log" 2>&1 || return 0
	done

	return 1
}

changed=()

# apply [+MUTANT] FILES PERL - change the copy, as MUTANT does before; it is an
# error when one stays as it is
apply() {
	local base='' files file

	read -ra files <<<"$1"
	if [[ ${files[0]} == +* ]]; then
		base=${files[0]#+}
		apply "${files_of[$base]}" "${change_of[$base]}" || return 1
		files=("${files[@]:1}")
	fi
	for file in "${files[@]}"; do
		changed+=("$file")
		cp "$dir/source/$file" "$dir/before"
		perl -0pi -e "$2" "$dir/source/$file" 2>/dev/null || return 1
		! cmp -s "$dir/before" "$dir/source/$file" || return 1
	done
}

restore() {
	local file

	for file in "${changed[@]}"; do
		cp "$dir/pristine/$file" "$dir/source/$file"
	done
	changed=()
}

# killer MODEL PROGRAM... - who kills the mutant that has been built
killer() {
	local model=$1 program
	shift

	for program in "$@"; do
		if dies "$program"; then
			echo "$program"
			return
		fi
	done
	[[ $model == *:* ]] && grep -q "MUTANT_${model#*:}\b" \
		"$dir/pristine/stress/model/${model%:*}.pml" &&
		echo "model $model"
}

# row NAME MODEL PROGRAMS FILES PERL - break, build, run, restore
row() {
	local name=$1 by programs start=$SECONDS right=false
	read -ra programs <<<"$3"
	[ "$1" = '(nothing)' ] || is_wanted "$1" || return 0

	if [ -n "$4" ] && ! apply "$4" "$5"; then
		by='NO LONGER APPLIES'
	elif ! build "${programs[@]}"; then
		by='DOES NOT BUILD'
		grep -m 3 'error' "$dir/log" >&2 || tail -n 20 "$dir/log" >&2
	elif by=$(killer "$2" "${programs[@]}"); then
		[ "$2" = passes ] || right=true
		$right || cat "$dir/log" >&2
	elif [ "$2" = passes ]; then
		by='nobody, as it must be'
		right=true
	else
		by=SURVIVES
	fi
	$right || failed=1
	restore
	printf '%-26s %-30s %4d s\n' "$name" "$by" $((SECONDS - start))
}

cmake -S "$dir/source" -B "$dir/build" -G Ninja >"$dir/log" 2>&1 ||
	{ cat "$dir/log" >&2; exit 1; }

is_wanted() {
	[ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $1 "* ]]
}

# each FUNCTION - call it with name, model, programs, files and change of each
each() {
	local name model programs files change

	while read -r name model programs; do
		case $name in '' | '#') continue ;; esac
		read -r files
		IFS= read -r change
		"$1" "$name" "$model" "$programs" "$files" "$change" </dev/null
	done <"$dir/pristine/stress/mutate/mutants"
}

declare -A files_of change_of
needed=()
# shellcheck disable=SC2317 # each calls it
note() {
	files_of[$1]=$4
	change_of[$1]=$5
	is_wanted "$1" || return 0
	read -ra more <<<"$3"
	for program in "${more[@]}"; do
		[[ " ${needed[*]} " == *" $program "* ]] ||
			needed+=("$program")
	done
}

each note
for name in "${wanted[@]}"; do
	[ -n "${files_of[$name]:-}" ] ||
		{ echo "mutate: there is no mutant '$name'" >&2; exit 2; }
done
printf '%-26s %-30s %s\n' mutant 'killed by' time
row '(nothing)' passes "${needed[*]}" '' ''
each row
exit "$failed"
