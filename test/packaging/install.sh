#!/usr/bin/env bash
# Installs what the suites in this folder need in addition to Node: nginx, Apache, Caddy, openssl and systemd's tools. Uses apt-get
# as root, and otherwise prints what is missing. Starts nothing. Repeatable.
set -euo pipefail

missing=()
need() { command -v "$1" > /dev/null || [[ -x /usr/sbin/$1 ]] || missing+=("$2"); }
need nginx nginx-light
need caddy caddy
need apache2 apache2
[[ -e /usr/lib/apache2/modules/mod_xsendfile.so ]] || missing+=(libapache2-mod-xsendfile)
need openssl openssl
need systemd-analyze systemd
((${#missing[@]})) || exit 0

if command -v apt-get > /dev/null && [[ $(id -u) -eq 0 ]]; then
  log=$(mktemp)
  # Their services are not wanted, only the programs: 101 forbids the start. A policy that is there is left alone.
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    > "$log" 2>&1 || { cat "$log"; exit 1; }
  rm -f "$log"
else
  echo "Not on PATH, to be installed by hand: ${missing[*]}" >&2
fi
