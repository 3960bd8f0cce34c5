#!/bin/sh
# The entrypoint of the image. Service containers of CI systems set variables but no command, so POSTERN_DEV_REMOTE alone
# selects development mode.
set -eu
case "${POSTERN_DEV_REMOTE:-}" in
  '' | 0 | false) ;;
  *) if [ "$*" = serve ]; then set -- dev; fi ;;
esac
exec postern "$@"
