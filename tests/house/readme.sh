#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# readme.sh SOURCE_DIR - what README.md shows is true
#
# Its program is docs/examples/sum.c, its two commands are those of ./dev, and
# the files that the documents link to exist.
set -eu

cd "$1"

# block OPENING - the first fenced block of README.md after such a line
block() {
	awk -v opening="$1" '
		$0 == opening	{ marked = 1; if (!/^```/) next }
		marked && /^```/ { if (inside) exit; inside = 1; next }
		inside' README.md
}

diff <(block '```c') docs/examples/sum.c ||
	{ echo "README.md (<) and docs/examples/sum.c (>) differ"; exit 1; }

[ "$(block '<!-- run -->')" = './dev demo' ] ||
	{ echo "README.md: no ./dev demo below <!-- run -->"; exit 1; }
[ "$(block '<!-- test -->')" = './dev test' ] ||
	{ echo "README.md: no ./dev test below <!-- test -->"; exit 1; }

dead=$(find . -name '*.md' -not -path './build*' -printf '%P\n' |
	while read -r page; do
		grep -oE '\]\([^)#:]+' "$page" | sed 's/^](//' |
			while read -r link; do
				[ -e "$(dirname "$page")/$link" ] ||
					echo "$page: $link"
			done
	done)
[ -z "$dead" ] || { printf 'dead links:\n%s\n' "$dead"; exit 1; }

echo "README.md shows what there is"
