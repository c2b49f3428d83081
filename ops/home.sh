#!/usr/bin/env bash
# Runs on a host, as root: what a user who left the site has there, and deletes the home folder when that is asked for.
# usage: bash -s -- look|delete NAME FOLDER
# Prints `account` while the user is there; `other NAME` for a folder of another user; else `home KIBIBYTES` or nothing.
set -euo pipefail
umask 077

action=$1 name=$2 folder=$3

if getent passwd "$name" >/dev/null; then
    printf 'account\n'
    exit 0
fi
[[ -d $folder && ! -L $folder ]] || exit 0
owner=$(getent passwd "$(stat -c %u "$folder")" | cut -d: -f1 || true)
if [[ -n $owner ]]; then
    printf 'other %s\n' "$owner"
    exit 0
fi
if [[ $action == delete ]]; then
    rm -rf --one-file-system -- "$folder"
    exit 0
fi
# A large home on a network folder takes minutes to count: its size is a help, no more.
size=$(timeout 20 du -skx -- "$folder" 2>/dev/null | cut -f1 || true)
printf 'home %s\n' "${size:-?}"
