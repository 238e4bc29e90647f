#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who may use whom, checked: check_layers.sh symbols|sources|headers|exports|all [--update]
#   symbols   an archive needs nothing that a storey outside its row of layers.txt defines
#   sources   no include climbs out of its folder; no banned call outside its place
#   headers   every installed header compiles alone, as C17 and as C++17
#   exports   libpagoda.so exports pgd_ names alone, those of tools/exports.txt, and needs libc, libm, libpthread alone
# PAGODA_SOURCE_DIR and PAGODA_BUILD_DIR say where; the fixtures of tests/layers set them to small trees of their own.
set -u
src=${PAGODA_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
build=${PAGODA_BUILD_DIR:-$src/build}
what=${1:-all}
update=${2:-}
layers=$src/tools/layers.txt
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
bad=0

complain() {
  echo "check_layers: $*" >&2
  bad=1
}

storeys() { sed -n 's/^\([a-z]*\):.*/\1/p' "$layers"; }
below() { sed -n "s/^$1: *//p" "$layers"; }

check_symbols() {
  for storey in $(storeys); do
    archive=$build/libpgd_$storey.a
    [ -f "$archive" ] || { complain "$archive is not there; build first"; continue; }
    nm --defined-only -g "$archive" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >"$work/$storey.has"
    nm -u "$archive" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u >"$work/$storey.needs"
  done
  for user in $(storeys); do
    for owner in $(storeys); do
      [ "$user" = "$owner" ] && continue
      case " $(below "$user") " in *" $owner "*) continue ;; esac
      [ -f "$work/$user.needs" ] && [ -f "$work/$owner.has" ] || continue
      comm -12 "$work/$user.needs" "$work/$owner.has" >"$work/both"
      while read -r symbol; do complain "$user uses $symbol of $owner, which is not in its row of tools/layers.txt"; done <"$work/both"
    done
  done
}

# Sources without comments and strings, one file at a time, line numbers kept.
plain() {
  awk '{
    line = $0; out = ""
    while (length(line) > 0) {
      if (inside) { at = index(line, "*/"); if (at == 0) { line = ""; break } inside = 0; line = substr(line, at + 2); continue }
      two = substr(line, 1, 2); one = substr(line, 1, 1)
      if (two == "/*") { inside = 1; line = substr(line, 3); continue }
      if (two == "//") { line = ""; break }
      if (one == "\"" && line !~ /^"[^"]*"$/ || one == "\"") {
        if (out ~ /^[ \t]*#[ \t]*include[ \t]*$/) { out = out line; line = ""; break }
        line = substr(line, 2)
        while (length(line) > 0 && substr(line, 1, 1) != "\"") line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
        line = substr(line, 2); out = out "\"\""; continue
      }
      if (one == "\047") { if (match(line, /^\047(\\.[^\047]*|[^\047])\047/)) { out = out "0"; line = substr(line, RLENGTH + 1); continue } }
      out = out one; line = substr(line, 2)
    }
    print out
  }' "$1"
}

check_sources() {
  find "$src/src" -type f \( -name '*.c' -o -name '*.h' \) ! -path '*/src/cli/*' | sort >"$work/files"
  while read -r file; do
    name=${file#"$src/"}
    storey=$(echo "$name" | cut -d/ -f2)
    plain "$file" >"$work/plain"
    banned='abort|exit|_exit|printf|fprintf|puts|putchar|strcpy|strcat|sprintf|vsprintf|atoi|atol|atof|assert|getenv|malloc|free|calloc|realloc|posix_memalign|aligned_alloc'
    [ "$name" = src/base/memory.c ] && banned='abort|exit|_exit|printf|fprintf|puts|putchar|strcpy|strcat|sprintf|vsprintf|atoi|atol|atof|assert|getenv'
    [ "$name" = src/softgpu/abi/settings.c ] && banned=$(echo "$banned" | sed 's/|getenv//') # it runs in a foreign process, told by its launcher
    [ "$name" = src/softgpu/include/pagoda/cuda_kernel.h ] && banned='abort|exit|_exit|getenv' # it declares what kernels may call
    grep -nE "(^|[^A-Za-z0-9_.>])($banned)[ ]*\(" "$work/plain" >"$work/hits"
    while IFS=: read -r line text; do complain "$name:$line: a call that is banned in the library: $text"; done <"$work/hits"
    grep -nE '^[ 	]*#[ 	]*include[ 	]*"[^"]*\.\./' "$work/plain" >"$work/hits"
    while IFS=: read -r line text; do
      path=$(echo "$text" | sed 's/^[^"]*"\([^"]*\)".*/\1/')
      real=$(cd "$(dirname "$file")" && readlink -m "$path")
      case $real in "$(readlink -m "$src/src/$storey")"/*) ;; *) complain "$name:$line: includes $path, outside its own storey" ;; esac
    done <"$work/hits"
  done <"$work/files"
}

check_headers() {
  roots=$(for dir in "$src"/include "$src"/src/*/include; do [ -d "$dir" ] && printf ' -I%s' "$dir"; done)
  for header in "$src"/include/pagoda/*.h "$src"/src/*/include/pagoda/*.h; do
    [ -f "$header" ] || continue
    echo "#include \"$header\"" >"$work/alone.c"
    cp "$work/alone.c" "$work/alone.cc"
    # shellcheck disable=SC2086
    ${CC:-gcc} -std=c17 -Wall -Wextra -Werror -pedantic -fsyntax-only $roots "$work/alone.c" 2>"$work/said" || complain "${header#"$src/"} does not compile alone as C17: $(head -n 1 "$work/said")"
    # shellcheck disable=SC2086
    ${CXX:-g++} -std=c++17 -Wall -Wextra -Werror -pedantic -fsyntax-only $roots "$work/alone.cc" 2>"$work/said" || complain "${header#"$src/"} does not compile alone as C++17: $(head -n 1 "$work/said")"
  done
}

check_exports() {
  library=$build/libpagoda.so
  [ -f "$library" ] || { complain "$library is not there; build first"; return; }
  nm -D --defined-only "$library" | awk 'NF == 3 { print $3 }' | sed 's/@.*//' | LC_ALL=C sort -u >"$work/exports"
  grep -v '^pgd_' "$work/exports" | while read -r symbol; do echo "$symbol"; done >"$work/foreign"
  while read -r symbol; do complain "libpagoda.so exports $symbol, which is not a pgd_ name"; done <"$work/foreign"
  if [ "$update" = --update ]; then
    cp "$work/exports" "$src/tools/exports.txt"
  elif ! cmp -s "$work/exports" "$src/tools/exports.txt"; then
    diff "$src/tools/exports.txt" "$work/exports" >"$work/said" 2>&1
    complain "exported symbols differ from tools/exports.txt (tools/check_layers.sh exports --update, if it is meant): $(grep -E '^[<>]' "$work/said" | head -n 5 | tr '\n' ' ')"
  fi
  objdump -p "$library" | awk '$1 == "NEEDED" { print $2 }' | grep -vE '^(libc|libm|libpthread)\.so\.|^ld-linux' >"$work/needed"
  while read -r other; do complain "libpagoda.so needs $other; libc, libm and libpthread are all it may need"; done <"$work/needed"
}

case $what in
symbols | sources | headers | exports) "check_$what" ;;
all) check_symbols; check_sources; check_headers; check_exports ;;
*) echo "usage: check_layers.sh symbols|sources|headers|exports|all [--update]" >&2; exit 2 ;;
esac
exit $bad
