#!/bin/bash
# Build racoon and setkey 0.9.1 from a source archive.
#   ./racoon-build.sh DIR ARCHIVE     leaves DIR/racoon, DIR/setkey, DIR/libipsec.so.0 (about two minutes; nothing is installed but build tools)
# One thing is changed, on the way to the kernel and not on the wire: of "AH tunnel + ESP tunnel" under one proposal, which is IP AH ESP IP
# (racoon.conf(5), complex_bundle), the AH half is given to the kernel as transport, for that is how Linux makes one outer header. The KAME
# kernels did not look at an SA's mode; Linux takes it at its word and would build two headers.
set -eu
[ $# = 2 ] || { sed -n '2,6s/^# \?//p' "$0"; exit 2; }
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
python3 - src/racoon/pfkey.c <<'END'
import re, sys
path = sys.argv[1]
text = open(path).read()
head = "/* IPSECDOI_ATTR_ENC_MODE -> IPSEC_MODE */\nu_int\nipsecdoi2pfkey_mode(u_int mode)"
call = "ipsecdoi2pfkey_mode(pr->encmode)"
sites = "mode = " + call
if text.count(head) != 1 or text.count(sites) < 3:
    sys.exit("another pfkey.c than that of 0.9.1")
text = text.replace(call, "mode_in_kernel(pr)").replace(head, """static u_int
mode_in_kernel(struct saproto *pr)
{
	u_int mode = ipsecdoi2pfkey_mode(pr->encmode);

	if (pr->proto_id == IPSECDOI_PROTO_IPSEC_AH && pr->next != NULL && mode == IPSEC_MODE_TUNNEL)
		return IPSEC_MODE_TRANSPORT;
	return mode;
}

""" + head)
open(path, "w").write(text)
END
{ ./bootstrap && ./configure --prefix=/usr --sysconfdir=/etc --localstatedir=/var --with-kernel-headers=/usr/include \
    --disable-security-context --enable-hybrid --enable-frag --enable-dpd --enable-natt --enable-adminport --without-readline &&
    make -j"$(nproc)" CFLAGS='-O2 -w'; } >build.log 2>&1 || { tail -20 build.log >&2; exit 1; }
cp -a src/libipsec/.libs/libipsec.so* "$OUT/"
cp src/setkey/.libs/setkey "$OUT/"
# Last and at once: it is what tells that all is there.
cp src/racoon/.libs/racoon "$OUT/racoon.new"
mv "$OUT/racoon.new" "$OUT/racoon"
echo "built $OUT/racoon"
