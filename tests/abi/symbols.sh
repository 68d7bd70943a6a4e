#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# symbols.sh DEBIAN_LIBRARY OUR_LIBRARY DEBIAN_SYMBOLS OUR_SYMBOLS
#
# Every symbol of Debian's library is one of ours, of the same kind, in the
# same node, and the nodes inherit from each other as they do there. Our
# symbols file says what our library exports, and of what Debian's has the
# same as Debian's.
set -eu

theirs=$1
ours=$2
their_list=$3
our_list=$4
status=0

# symbols LIBRARY - KIND NAME@@NODE of all that it exports
symbols() {
	nm -D --defined-only --with-symbol-versions "$1" |
		awk '{ print $2, $3 }' | sort
}

# nodes LIBRARY - NODE PARENT of its versions
nodes() {
	readelf -VW "$1" | awk '
		/^Version definition/	{ inside = 1 }
		/^Version needs/	{ inside = 0 }
		inside && /Name: /	{ node = $NF }
		inside && /Parent /	{ print node, $NF }'
}

# listed FILE - NAME@NODE of a symbols file
listed() {
	awk '/^ / { print $1 }' "$1" | sort
}

# all_of WHAT THEIRS OURS - complain of lines that OURS lacks
all_of() {
	local missing number
	missing=$(comm -23 <(sort <<<"$2") <(sort <<<"$3"))
	number=$(wc -l <<<"$2")
	if [ -n "$missing" ]; then
		echo "$1: ours lacks $(wc -l <<<"$missing") of $number:"
		printf '%s\n' "$missing"
		status=1
		return
	fi
	echo "$1: $number of $number"
}

all_of symbols "$(symbols "$theirs")" "$(symbols "$ours")"
all_of 'nodes and their parents' "$(nodes "$theirs")" "$(nodes "$ours")"
all_of "lines of Debian's symbols file" "$(grep '^ ' "$their_list")" \
	"$(grep '^ ' "$our_list")"

if ! diff <(listed "$our_list") <(symbols "$ours" |
	awk '{ sub(/@@/, "@", $2) }
		$1 == "A" && $2 !~ /@/ { $2 = $2 "@" $2 }
		{ print $2 }' | sort); then
	echo "$our_list (<) and $ours (>) differ"
	status=1
fi

exit $status
