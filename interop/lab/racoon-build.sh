#!/bin/bash
# Build racoon and setkey 0.9.1 from a source archive.
#   ./racoon-build.sh DIR ARCHIVE     leaves DIR/racoon, DIR/setkey, DIR/libipsec.so.0 (about two minutes; nothing is installed but build tools)
set -eu
[ $# = 2 ] || { sed -n '2,3s/^# \?//p' "$0"; exit 2; }
mkdir -p "$1"
OUT=$(cd "$1" && pwd)
ARCHIVE=$2
[ ! -x "$OUT/racoon" ] || { echo "$OUT/racoon is there"; exit 0; }
if ! { command -v automake && command -v bison && command -v flex && [ -e /usr/include/openssl/ssl.h ]; } >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends gcc make autoconf automake libtool bison flex libfl-dev libssl-dev pkgconf linux-libc-dev xz-utils >/dev/null
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tar -xJf "$ARCHIVE" -C "$tmp" --strip-components=1
cd "$tmp"
{ ./bootstrap && ./configure --prefix=/usr --sysconfdir=/etc --localstatedir=/var --with-kernel-headers=/usr/include \
    --disable-security-context --enable-hybrid --enable-frag --enable-dpd --enable-natt --enable-adminport --without-readline &&
    make -j"$(nproc)" CFLAGS='-O2 -w'; } >build.log 2>&1 || { tail -20 build.log >&2; exit 1; }
cp src/racoon/.libs/racoon src/setkey/.libs/setkey "$OUT/"
cp -a src/libipsec/.libs/libipsec.so* "$OUT/"
echo "built $OUT/racoon"
