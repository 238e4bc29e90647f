#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# For every rule of tools/check_layers.sh a small tree that breaks it: the check must fail and name the fault. And one that breaks none.
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
failed=0

# prepare NAME: the fixture's archives and library
prepare() {
  rm -rf "$work/build" && mkdir -p "$work/build"
  objects=
  for folder in "$here/fixtures/$1"/src/*/; do
    storey=$(basename "$folder")
    list=
    for file in "$folder"*.c; do
      [ -f "$file" ] || continue
      object=$work/build/$storey.$(basename "$file").o
      ${CC:-gcc} -w -fPIC -c "$file" -o "$object" 2>/dev/null && list="$list $object"
    done
    [ -n "$list" ] && ar rc "$work/build/libpgd_$storey.a" $list && objects="$objects $list"
  done
  extra=
  if [ "$1" = exports_needed ]; then
    echo 'int other;' >"$work/other.c"
    ${CC:-gcc} -shared -fPIC -Wl,-soname,libother.so.1 "$work/other.c" -o "$work/build/libother.so"
    extra="-Wl,--no-as-needed -L$work/build -lother"
  fi
  ${CC:-gcc} -shared $objects $extra -o "$work/build/libpagoda.so" 2>/dev/null
}

check() { PAGODA_SOURCE_DIR=$here/fixtures/$1 PAGODA_BUILD_DIR=$work/build sh "$here/../../tools/check_layers.sh" "$2" >"$work/said" 2>&1; }

must_fail() { # fixture, check, what it must say
  prepare "$1"
  if check "$1" "$2"; then
    echo "$1: $2 passed, but must fail" && failed=1
  elif ! grep -qF "$3" "$work/said"; then
    echo "$1: $2 did not say \"$3\" but:" && cat "$work/said" && failed=1
  fi
}

prepare good
check good all || { echo "good: all failed:"; cat "$work/said"; failed=1; }
must_fail symbols_upward symbols "base uses pgd_driver_thing of driver"
must_fail sources_climb sources "src/base/climb.c:1: includes ../driver/secret.h, outside its own storey"
for call in abort exit _exit printf fprintf puts putchar strcpy strcat sprintf vsprintf atoi atol atof assert getenv malloc free calloc realloc posix_memalign aligned_alloc; do
  must_fail sources_banned sources "banned in the library:     $call(p)"
done
must_fail headers_c17 headers "include/pagoda/alone.h does not compile alone as C17"
must_fail headers_cpp17 headers "include/pagoda/alone.h does not compile alone as C++17"
must_fail exports_foreign exports "exports helper, which is not a pgd_ name"
must_fail exports_list exports "exported symbols differ"
must_fail exports_needed exports "libpagoda.so needs libother.so.1"
exit $failed
