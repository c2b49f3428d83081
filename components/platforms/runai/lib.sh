# shellcheck shell=bash
# What Run:ai's steps share.

# runai_try PROGRAM WORD…: runs it as nobody, with an empty home that goes again; its output and its status
runai_try() {
    local home status=0
    home=$(mktemp -d) && chown 65534:65534 "$home" || return
    (cd "$home" && setpriv --reuid 65534 --regid 65534 --clear-groups env -i PATH=/usr/local/bin:/usr/bin:/bin \
        HOME="$home" timeout -k 5 60 "$@") || status=$?
    rm -rf -- "$home"
    return "$status"
}
