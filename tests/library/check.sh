#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh LIBPAGODA_SO: stripped it is under 3 MB, and it needs the C library and nothing else.
set -eu
library=$1
limit_bytes=3000000
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
status=0

strip --strip-unneeded -o "$room/stripped.so" "$library"
bytes=$(wc -c <"$room/stripped.so")
echo "stripped: $bytes bytes of at most $limit_bytes"
[ "$bytes" -le "$limit_bytes" ] || { echo "too large"; status=1; }

needed=$(LC_ALL=C readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[ -n "$needed" ] || { echo "readelf found no NEEDED entry in $library"; status=1; }
for name in $needed; do
    case $name in
        libc.so.* | libm.so.* | libpthread.so.* | ld-linux*.so.*) echo "needs $name" ;;
        *) echo "needs $name, which it must not"; status=1 ;;
    esac
done
exit $status
