#!/usr/bin/env bash
# Installs what the suites in this folder need in addition to Node: strace, gcc, xfs_io, PostgreSQL, and the mkfs of ext4,
# xfs and btrfs. By apt-get, as root; elsewhere it says what is missing. Repeatable.
set -euo pipefail

missing=()
need() { command -v "$1" > /dev/null || [[ -x /usr/sbin/$1 || -x /sbin/$1 ]] || missing+=("$2"); }
need strace strace
need gcc gcc
[[ -e /usr/include/dlfcn.h ]] || missing+=(libc6-dev)
need mkfs.ext4 e2fsprogs
need mkfs.btrfs btrfs-progs
need losetup mount
need xfs_io xfsprogs
need mount mount
command -v initdb > /dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || missing+=(postgresql)
((${#missing[@]})) || exit 0

if command -v apt-get > /dev/null && [[ $(id -u) -eq 0 ]]; then
  log=$(mktemp)
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    > "$log" 2>&1 || { cat "$log"; exit 1; }
  rm -f "$log"
else
  echo "Not on PATH, to be installed by hand: ${missing[*]}" >&2
fi
