#!/usr/bin/env bash
# Installs what the recipes of examples/testing need and apt-get has: Maven with a JDK, and venv for Python. Go is installed
# by hand, and so is Rust, which only `npm run test:recipes` needs. Repeatable.
set -euo pipefail
missing=()
command -v mvn > /dev/null || missing+=(maven default-jdk-headless)
python3 -c 'import venv, ensurepip' 2> /dev/null || missing+=(python3-venv)
if ((${#missing[@]} == 0)); then exit 0; fi
if command -v apt-get > /dev/null && [[ $(id -u) -eq 0 ]]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
else
  echo "Not on PATH, to be installed by hand: ${missing[*]}" >&2
fi
