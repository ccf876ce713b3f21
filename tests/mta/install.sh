#!/bin/sh
# Brings what the tests of real programs need onto a Debian 12 machine; run it as root.
#
#   Postfix    installed from Debian's package, unconfigured and not started
#   Sendmail   unpacked from Debian's packages into $KILTER_SENDMAIL (/var/cache/kilter-sendmail), never
#              installed: Debian allows one mail-transport-agent only, and Postfix is it
#   m4         and the libraries that Sendmail links with
#   miltertest for tests/miltertest
#   opendkim   and OpenDMARC, for tests/peers
#   libmilter  and a C compiler, for tests/cli/conform
#   tmux       and systemd-notify, for the tests of the command: tests/cli
#
# May be run again: what is there is left alone, and nothing is said.
set -eu

ROOT=${KILTER_SENDMAIL:-/var/cache/kilter-sendmail}
PATH=$PATH:/usr/sbin:/sbin
export DEBIAN_FRONTEND=noninteractive

[ "$(id -u)" = 0 ] || { echo "install.sh: must run as root" >&2; exit 77; }
missing=
for program in postfix m4 miltertest opendkim opendmarc tmux systemd-notify cc; do
  command -v "$program" >/dev/null || missing=yes
done
for file in "$ROOT/complete" /usr/include/libmilter/mfapi.h; do
  [ -e "$file" ] || missing=yes
done
if [ -z "$missing" ]; then exit 0; fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# What a package says when all goes well is of no use; what it says when not, is.
quietly() {
  "$@" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; echo "install.sh: failed: $*" >&2; exit 1; }
}

# A package starts its service only if this script lets it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -rf "$scratch" "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
fi
echo 'postfix postfix/main_mailer_type select No configuration' > "$scratch/answers"

quietly apt-get update
quietly debconf-set-selections "$scratch/answers"
libraries=$(apt-cache depends sendmail-bin | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p')
# shellcheck disable=SC2086 # a list of words
quietly apt-get install -y --no-install-recommends postfix m4 miltertest opendkim opendmarc dbconfig-no-thanks tmux systemd \
  libmilter-dev gcc libc6-dev $libraries

if [ ! -e "$ROOT/complete" ]; then
  # Downloading as root into a directory of root's, without the note that user _apt can't write there.
  cd "$scratch"
  quietly apt-get download -o APT::Sandbox::User=root sendmail-bin sendmail-cf
  rm -rf "$ROOT"
  mkdir -p "$ROOT"
  for package in "$scratch"/*.deb; do quietly dpkg-deb -x "$package" "$ROOT"; done
  # Setgid to a group that only the real package's script would make.
  chmod g-s "$ROOT/usr/libexec/sendmail/sendmail"
  : > "$ROOT/complete"
fi
