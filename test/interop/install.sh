#!/usr/bin/env bash
# Installs the clients of this folder outside the checkout: Python's into $POSTERN_INTEROP_TOOLS (default:
# ~/.cache/postern-interop), the others with apt-get if it is available and allowed. Repeatable.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=${POSTERN_INTEROP_TOOLS:-$HOME/.cache/postern-interop}
mkdir -p "$tools"

missing=()
for tool in rclone s3cmd restic s3fs; do command -v "$tool" > /dev/null || missing+=("$tool"); done
command -v fusermount > /dev/null || command -v fusermount3 > /dev/null || missing+=(fuse3)
ruby -e 'require "aws-sdk-s3"' 2> /dev/null || missing+=(ruby-aws-sdk-s3)
python3 -c 'import venv, ensurepip' 2> /dev/null || missing+=(python3-venv)
if ((${#missing[@]})); then
  if command -v apt-get > /dev/null && [[ $(id -u) -eq 0 ]]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > "$tools/apt.log" 2>&1 ||
      { cat "$tools/apt.log"; exit 1; }
  else
    echo "Not on PATH, to be installed by hand: ${missing[*]}" >&2
  fi
fi

# environment FOLDER LIST: anew only when the list has changed.
environment() {
  if ! cmp -s "$here/$2" "$tools/$2"; then
    rm -rf "${tools:?}/$1"
    python3 -m venv "$tools/$1"
    "$tools/$1/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/$2"
    cp "$here/$2" "$tools/$2"
  fi
}
environment python requirements.txt
environment python-frameworks requirements-frameworks.txt

# Which Go it must be is said in go.mod; what distributions package is often older.
PATH=$PATH:/usr/local/go/bin # where Go's own installer puts it
if command -v go > /dev/null; then
  (cd "$here/go" && go mod download)
else
  echo 'Not on PATH, to be installed by hand: go' >&2
fi
