#!/usr/bin/env bash
# Installs what the suites of this folder start themselves: PostgreSQL, Redis, openssl. Repeatable.
set -euo pipefail

missing=()
command -v initdb > /dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || missing+=(postgresql)
command -v redis-server > /dev/null || missing+=(redis-server)
command -v openssl > /dev/null || missing+=(openssl)
if ((${#missing[@]})); then
  if command -v apt-get > /dev/null && [[ $(id -u) -eq 0 ]]; then
    log=$(mktemp)
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > "$log" 2>&1 ||
      { cat "$log"; exit 1; }
  else
    echo "Not on PATH, to be installed by hand: ${missing[*]}" >&2
  fi
fi
