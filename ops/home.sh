#!/usr/bin/env bash
# Runs on a host, as root: what a user who left the site has there, and deletes the home folder when that is asked for.
# usage: bash -s -- look|delete NAME FOLDER
# Prints `account` while the user is there; `other NAME` for a folder of another user; else `home KIBIBYTES` or nothing.
# Fails where a user of a directory service (LDAP, Active Directory, NIS) would look like nobody, as the service is down.
set -euo pipefail
umask 077

action=$1 name=$2 folder=$3

# unknown WHY FIX…
unknown() {
    printf '%s, so nobody can tell here whose %s is. Fix: %s; then repeat\n' "$1" "$folder" "${*:2}" >&2
    exit 1
}

# user NAME|NUMBER: the name, or nothing
user() {
    local found status=0
    found=$(timeout 30 getent passwd "$1") || status=$?
    case $status in
        0) printf '%s\n' "${found%%:*}" ;;
        2) ;; # no such user, or a service that is down: must_answer tells which
        124) unknown "getent passwd $1 did not answer within 30 s" "see passwd: in /etc/nsswitch.conf, and the services there" ;;
        *) unknown "getent passwd $1 ended with status $status" "see passwd: in /etc/nsswitch.conf, and the services there" ;;
    esac
}

# The services besides this host's own files that users come from
directories() {
    sed -nE 's/#.*//; s/\[[^]]*\]//g; s/^[[:space:]]*passwd:(.*)/\1/p' /etc/nsswitch.conf | tr -s '[:blank:]' '\n' |
        grep -vxE 'files|compat|db|systemd|mymachines|altfiles|extrausers|' || true
}

# must_answer SERVICE: to getent, a service that is down has no users.
must_answer() {
    local domain domains said
    case $1 in
        sss)
            # Some systems name it in nsswitch.conf without a domain in it.
            if ! grep -qsE '^[[:space:]]*\[domain/' /etc/sssd/sssd.conf /etc/sssd/conf.d/*.conf; then return 0; fi
            if [[ -z $(command -v sssctl) ]]; then
                unknown "users come from sssd too, and there is no sssctl to ask whether it reaches its directory" \
                    "install sssctl there (sssd-tools)"
            fi
            if ! domains=$(timeout 30 sssctl domain-list 2>&1); then
                unknown "sssd does not answer (${domains##*$'\n'})" "systemctl status sssd there"
            fi
            for domain in $domains; do
                said=$(timeout 30 sssctl domain-status --online "$domain" 2>&1 || true)
                if [[ $said != *'status: Online'* ]]; then
                    unknown "sssd does not reach its directory $domain (${said##*$'\n'})" "sssctl domain-status $domain there"
                fi
            done
            ;;
        winbind)
            if ! said=$(timeout 30 wbinfo --ping-dc 2>&1); then
                unknown "winbind does not reach its domain (${said##*$'\n'})" "wbinfo --ping-dc there"
            fi
            ;;
        *)
            if [[ -z $(timeout 30 getent -s "$1" passwd 2>/dev/null | head -1 || true) ]]; then
                unknown "the service $1 of passwd: in /etc/nsswitch.conf names no user" "getent -s $1 passwd there"
            fi
            ;;
    esac
}

account=$(user "$name")
if [[ -n $account ]]; then
    printf 'account\n'
    exit 0
fi
[[ -d $folder && ! -L $folder ]] || exit 0
owner=$(user "$(stat -c %u "$folder")")
if [[ -n $owner ]]; then
    printf 'other %s\n' "$owner"
    exit 0
fi
for service in $(directories); do must_answer "$service"; done
if [[ $action == delete ]]; then
    rm -rf --one-file-system -- "$folder"
    exit 0
fi
# A large home on a network folder takes minutes to count: its size is a help, no more.
size=$(timeout 20 du -skx -- "$folder" 2>/dev/null | cut -f1 || true)
printf 'home %s\n' "${size:-?}"
