#!/bin/sh
# Sees to a Chromium for the browser tests where that can be done without asking anyone; else they are skipped.
command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Chromium for the browser tests ..."
  (apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core) >/dev/null 2>&1
fi
command -v chromium >/dev/null 2>&1 || echo "No Chromium here: the browser tests are skipped. On Debian: apt-get install chromium"
exit 0
