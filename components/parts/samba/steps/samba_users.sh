# Exactly the site's users have a password for the shares, each its own.
# rows: N3
# inputs: users
# secrets: password of each user, as password-NAME
# uses: samba
#
# Passwords are in a file of our own (passdb backend of the site's smb.conf): undo removes it, and those that Samba had
# before are as they were. What was set is recorded as a salted digest of the file's line, for root only, so that a
# password that somebody changes on the host is seen.

check() {
    local user seen
    for user in $(input users); do
        seen=$(samba_entries | grep -- "^$user:" || true)
        if [[ -z $seen ]]; then untrue "has no password of $user for the shares, wants one"; fi
        if [[ $seen == *:\[*D*\]:* ]]; then untrue "has the password of $user for the shares disabled, wants it in use"; fi
        if [[ $(_digest "$user" <<<"$seen") != "$(_recorded "$user")" ]]; then
            untrue "has another password of $user for the shares than was set here"
        fi
    done
    seen=$(_strangers | paste -sd ' ')
    if [[ -n $seen ]]; then untrue "has a password for the shares of $seen, whom the site does not let in"; fi
}

apply() {
    local user process
    for user in $(_strangers); do
        pdbedit -x -u "$user" -s "$(samba_conf)" >/dev/null
        # Who is out is out at once.
        for process in $(smbstatus -p -u "$user" 2>/dev/null | awk '$1 ~ /^[0-9]+$/ { print $1 }'); do
            smbcontrol "$process" shutdown || true
        done
    done
    for user in $(input users); do _set "$user"; done
    { for user in $(input users); do
        printf '%s %s\n' "$user" "$(samba_entries | grep -- "^$user:" | _digest "$user")"
    done; } | write_file "$(_record)" 0600
}

undo() { rm -f "$(_record)" "$(_passwords)"; }

_passwords() { printf '/var/lib/samba/private/gpu-metal.tdb'; }

_record() { printf '%s/samba-users' "$GPU_METAL_HOME"; }

_recorded() { if [[ -e $(_record) ]]; then awk -v "user=$1" '$1 == user { print $2 " " $3 }' "$(_record)"; fi; }

# _digest USER: `SALT SUM` of the hash in the line of stdin, with the user's own salt. The line's last field, the time, may
# change.
_digest() {
    local salt line
    read -r line || true
    salt=$(_recorded "$1")
    salt=${salt% *}
    if [[ -z $salt ]]; then salt=$(head -c 16 /dev/urandom | sha256sum | cut -c -32); fi
    printf '%s %s' "$salt" "$(printf '%s %s' "$salt" "$(cut -d : -f 4 <<<"$line")" | sha256sum | cut -d ' ' -f 1)"
}

_strangers() {
    comm -13 <(input users | tr ' ' '\n' | sort) <(samba_entries | cut -d : -f 1 | sort)
}

_set() { # USER
    local lines says
    lines=$(secret "password-$1" | sed '/^$/d' | wc -l)
    if ((lines != 1)); then
        untrue "has a secret with $lines lines as the password of $1 for the shares, wants one." \
            "Fix: pulumi config set --secret NAME < FILE, with the password as the file's only line"
    fi
    says=$({
        secret "password-$1" | sed '/^$/d'
        secret "password-$1" | sed '/^$/d'
    } | smbpasswd -c "$(samba_conf)" -s -a "$1" 2>&1) ||
        untrue "cannot set the password of $1 for the shares: $(tail -n 1 <<<"$says")"
    smbpasswd -c "$(samba_conf)" -e "$1" >/dev/null
}
