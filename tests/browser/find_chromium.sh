#!/usr/bin/env bash
# The browser tests drive a system Chromium. Found: nothing to do. Not found: install it where this machine
# allows that without asking; otherwise say loudly that those tests will be skipped.
set -u
for name in "${LAB_CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "No Chromium found: installing it for the browser tests."
  export DEBIAN_FRONTEND=noninteractive
  if apt-get update -qq && apt-get install -y -qq chromium fonts-dejavu-core >/dev/null; then exit 0; fi
fi
echo "WARNING: no Chromium here, so the browser tests will be SKIPPED; install one or set LAB_CHROMIUM." >&2
exit 0
