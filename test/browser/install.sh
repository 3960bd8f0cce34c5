#!/usr/bin/env bash
# Installs Firefox and WebKitGTK (with a virtual screen and its keyboard) next to the Chromium that the checkout has. Repeatable.
set -euo pipefail
packages=()
command -v firefox-esr > /dev/null || command -v firefox > /dev/null || packages+=(firefox-esr)
command -v WebKitWebDriver > /dev/null || packages+=(webkit2gtk-driver)
command -v Xvfb > /dev/null || packages+=(xvfb)
command -v xdotool > /dev/null || packages+=(xdotool)
((${#packages[@]})) || exit 0
if command -v apt-get > /dev/null && [[ $(id -u) -eq 0 ]]; then
  apt-get -o DPkg::Lock::Timeout=600 update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
else
  echo "To be installed by hand: ${packages[*]}" >&2
fi
