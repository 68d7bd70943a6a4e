#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# headers.sh SOURCE_DIR - each public header compiles alone, everywhere
#
# As strict C11 and as C++17, with gcc and with clang, without a warning; so
# do the assertions on the layouts. The library's own sources must please
# both compilers as well; what other systems have is in the shims.
set -eu
shopt -s globstar

cd "$1"
failed=0

# compile COMPILER LANGUAGE STANDARD FILE [FLAG...]
compile() {
	local compiler=$1 language=$2 standard=$3 file=$4
	shift 4
	"$compiler" -x "$language" -std="$standard" -fsyntax-only \
		-Wall -Wextra -Werror -Iinclude "$@" "$file" && return
	echo "headers: $compiler -std=$standard rejects $file"
	failed=1
}

# alone HEADER - a file that has nothing but it, twice
alone() {
	printf '#include <%s>\n#include <%s>\n' "$1" "$1"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for header in include/*.h; do
	name=${header#include/}
	alone "$name" >"$scratch/alone"
	for compiler in gcc clang; do
		compile "$compiler" c c11 "$scratch/alone" -pedantic-errors
	done
	for compiler in g++ clang++; do
		compile "$compiler" c++ c++17 "$scratch/alone" -pedantic-errors
	done
done

for compiler in g++ clang++; do
	compile "$compiler" c++ c++17 runtime/layout.c -pedantic-errors
done

for source in runtime/**/*.c threads/*.c; do
	for compiler in gcc clang; do
		compile "$compiler" c c11 "$source" -D_GNU_SOURCE \
			-Wmissing-prototypes -Wstrict-prototypes \
			-Itests/shim/include
	done
done

exit $failed
