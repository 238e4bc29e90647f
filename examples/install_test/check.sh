#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh BUILD_FOLDER CC: installs into a temporary prefix, moves it elsewhere, and compiles and runs against it from outside, once with
# CMake's find_package (shared, static, C++) and once with pkg-config (shared, static).
set -eu
build=$1
cc=$2
here=$(cd "$(dirname "$0")" && pwd)
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

say_if_it_fails() {
    "$@" >"$room/log" 2>&1 || { cat "$room/log"; echo "failed: $*"; exit 1; }
}
expect() { # what the program given prints is the version and 2
    got=$("$@") || { echo "$1 ended with status $?"; exit 1; }
    case $got in
        [0-9]*.[0-9]*.[0-9]*' 2') ;;
        *) echo "$1 printed \"$got\""; exit 1 ;;
    esac
}

say_if_it_fails cmake --install "$build" --prefix "$room/first"
mv "$room/first" "$room/prefix"
if grep -rIl -e "$build" -e "$room/first" "$room/prefix"; then
    echo "these installed files name a folder of the build or the first prefix"
    exit 1
fi

say_if_it_fails cmake -S "$here" -B "$room/outside" -G Ninja -DCMAKE_PREFIX_PATH="$room/prefix" -DCMAKE_C_COMPILER="$cc"
say_if_it_fails cmake --build "$room/outside"
for program in outside_shared outside_static outside_cxx; do expect "$room/outside/$program"; done

PKG_CONFIG_PATH=$(dirname "$(find "$room/prefix" -name pagoda.pc)")
export PKG_CONFIG_PATH
libraries=$(pkg-config --variable=libdir pagoda)
# shellcheck disable=SC2046 # the flags are words
say_if_it_fails "$cc" -std=c17 -Wall -Wextra -Werror "$here/outside.c" -o "$room/by_pkg_config" $(pkg-config --cflags --libs pagoda)
LD_LIBRARY_PATH=$libraries expect "$room/by_pkg_config"
# shellcheck disable=SC2046
say_if_it_fails "$cc" -std=c17 "$here/outside.c" -o "$room/by_pkg_config_static" $(pkg-config --cflags pagoda) "$libraries/libpagoda.a" -lm -pthread
expect "$room/by_pkg_config_static"

# A program over the CUDA driver API, linked with the library that stands in for a driver, and started with the software GPU.
say_if_it_fails "$cc" -std=c17 -Wall -Wextra -I"$room/prefix/include" "$here/../gpu/vector_add.c" -o "$room/vector_add" -L"$libraries/pagoda/softgpu/stubs" -lcuda -lm
if [ -x "$room/prefix/bin/pagoda" ]; then say_if_it_fails "$room/prefix/bin/pagoda" gpu run -- "$room/vector_add" "$here/../gpu/kernels.ptx"; fi
echo "find_package and pkg-config: shared, static and C++ work"
