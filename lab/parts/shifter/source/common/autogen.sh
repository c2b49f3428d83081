#!/bin/sh
# Makes ./configure.
set -eu
for tool in autoconf automake libtoolize; do
    command -v "$tool" >/dev/null || {
        echo "Error: You must have '$tool' installed to run $0." >&2
        exit 1
    }
done
autoreconf --install --force
echo 'now run ./configure to configure for your environment.'
