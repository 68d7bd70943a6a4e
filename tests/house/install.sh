#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# install.sh BUILD_DIR LIBDIR SOURCE_DIR GENERATOR - what is installed works
#
# Installs into a temporary prefix and builds installed.c against it: with
# pkg-config and with find_package(ivykis), shared and static. The program
# prints the file that iv_main was mapped from: a libivykis.so.0 of the
# system has the same soname and must not be mistaken for ours.
set -eu

build=$1
libdir=$2
source=$3/tests/house
generator=$4

prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
prefix=$(realpath "$prefix")

cmake --install "$build" --prefix "$prefix/usr" >"$prefix/log" ||
	{ cat "$prefix/log"; exit 1; }
lib=$prefix/usr/$libdir

for file in "$prefix"/usr/include/iv{,_avl,_event,_event_raw,_list,_thread}.h \
	"$prefix"/usr/include/iv_{tls,work}.h "$lib"/libivykis.{a,so,so.0} \
	"$lib/pkgconfig/ivykis.pc" "$lib/cmake/ivykis/ivykisConfig.cmake"; do
	[ -e "$file" ] || { echo "not installed: $file"; exit 1; }
done

# expect_mapped FILE PROGRAM
expect_mapped() {
	local mapped
	mapped=$("$2")
	if [ "$mapped" != "$1" ]; then
		echo "$2 runs with $mapped, not with $1"
		exit 1
	fi
	echo "${2##*/}: $mapped"
}

export PKG_CONFIG_PATH="$lib/pkgconfig"
version=$(pkg-config --modversion ivykis)
[ "$version" = 0.43 ] || { echo "pkg-config says version $version"; exit 1; }

# Split on purpose: these are words for a command line.
read -ra cflags <<<"$(pkg-config --cflags ivykis)"
read -ra shared <<<"$(pkg-config --libs ivykis)"
read -ra static <<<"$(pkg-config --static --libs ivykis)"

cc -o "$prefix/pkgconfig-shared" "${cflags[@]}" "$source/installed.c" \
	"${shared[@]}" "-Wl,-rpath,$lib"
cc -o "$prefix/pkgconfig-static" "${cflags[@]}" "$source/installed.c" \
	"${static[@]/#-livykis/$lib/libivykis.a}"

cmake -G "$generator" -S "$source/package" -B "$prefix/package" \
	"-DCMAKE_PREFIX_PATH=$prefix/usr" >"$prefix/log" ||
	{ cat "$prefix/log"; exit 1; }
cmake --build "$prefix/package" >"$prefix/log" ||
	{ cat "$prefix/log"; exit 1; }

real=$(realpath "$lib/libivykis.so.0")
expect_mapped "$real" "$prefix/pkgconfig-shared"
expect_mapped "$prefix/pkgconfig-static" "$prefix/pkgconfig-static"
expect_mapped "$real" "$prefix/package/shared"
expect_mapped "$prefix/package/static" "$prefix/package/static"
