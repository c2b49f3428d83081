#!/bin/sh
# The lab's stand-in of Headlamp: a page on its port that says what it is, and the flags that the chart gave it. It asks
# the API server nothing.
set -eu
www=$(mktemp -d)
printf 'Stand-in of Headlamp in the lab. Flags: %s\n' "$*" >"$www/index.html"
exec busybox httpd -f -p 4466 -h "$www"
