# A local user exists, with its groups, home, shell, SSH keys and password; without a password it is locked.
# rows: H4
# inputs: name uid groups home shell password keys login own
# bulk: keys
# secrets: password
# uses: host
#
# A user that existed before keeps its number, its shell unless the site names one, and its other groups, and undo
# restores it; its password and its rights as root follow the site (preflight: account_adopted). A user that was made here
# is deleted by undo; its home stays. With own=yes, one that existed before is refused. The user that the site logs in as
# (login=yes) loses no key and is never deleted: the host could not be reached again. Files in a home are written as its
# owner, who may have put links there.

check() {
    local name seen
    name=$(input name)
    _line=$(getent passwd "$name" || true) # nothing changes it here: _entry asks no more
    if [[ -z $(_entry 1) ]]; then untrue "has no user $name, wants it"; fi
    seen=$(_entry 3)
    if [[ $(input uid "$seen") != "$seen" ]]; then
        untrue "has user $name with number $seen, wants $(input uid). Fix: write uid: $seen in the site, or" \
            "usermod -u $(input uid) $name and give it its files"
    fi
    if [[ $(_entry 7) != "$(_shell)" ]]; then untrue "has shell $(_entry 7) for $name, wants $(_shell)"; fi
    if [[ $(_entry 6) != "$(_home)" ]]; then untrue "has home $(_entry 6) for $name, wants $(_home)"; fi
    if [[ ! -d $(_home) ]]; then untrue "has no folder $(_home), the home of $name"; fi
    if [[ $(stat -c %u "$(_home)") != "$seen" ]]; then
        untrue "has $(_home) of user number $(stat -c %u "$(_home)"), wants it owned by $name, number $seen." \
            "Fix: chown -R $name: $(_home)"
    fi
    _check_groups "$name"
    _check_password "$name"
    _check_keys "$name"
}

apply() {
    local name home
    name=$(input name)
    if [[ ! -x $(_shell) ]]; then
        untrue "has no program $(_shell), wants it as the shell of $name. Fix: correct accounts.$name.shell"
    fi
    if logs_in "$(input name)" && ! "$(_shell)" -c : >/dev/null 2>&1; then
        untrue "has $(_shell), which runs no command, for $name, the site's login user." \
            "Fix: correct accounts.$name.shell"
    fi
    if [[ $(input own no) == yes ]]; then own_account "$name" "$(input uid)" "$(_home)"; fi
    _remember "$name"
    home=$(_home)
    if [[ -z $(_entry 1) ]]; then _make "$name"; fi
    if [[ $(_entry 7) != "$(_shell)" ]]; then usermod --shell "$(_shell)" "$name"; fi
    if [[ $(_entry 6) != "$home" ]]; then usermod --home "$home" "$name"; fi
    if [[ ! -d $home ]]; then
        (umask 022 && mkdir -p "$(dirname "$home")")
        cp -rT /etc/skel "$home"
        chown -R "$name:" "$home"
        chmod 0700 "$home"
    fi
    _join_and_leave "$name"
    _set_password "$name"
    _give_keys "$name"
}

undo() {
    local name
    name=$(input name)
    if [[ ! -e $(_record before) ]]; then return; fi
    if logs_in "$(input name)" && [[ ! -e $(_record login) ]]; then
        printf 'kept: the site logs in as %s\n' "$name"
        return
    fi
    if [[ -n $(_entry 1) ]]; then
        if [[ -s $(_record before) ]]; then _give_back "$name"; else _delete "$name"; fi
    fi
    rm -rf "$(_record '')"
}

# Field $1 of the user's line in passwd; empty when there is no such user.
_entry() {
    local fields
    IFS=: read -ra fields <<<"${_line-$(getent passwd "$(input name)" || true)}"
    printf '%s' "${fields[$1 - 1]-}"
}

_home() {
    local seen
    seen=$(_entry 6)
    input home "${seen:-/home/$(input name)}"
}

_shell() {
    local seen
    seen=$(_entry 7)
    input shell "${seen:-/bin/bash}"
}

_field() { getent shadow "$1" | cut -d: -f2; }
_groups_of() { id -nG "$1" | tr ' ' '\n' | sort -u; }

# What undo must know, for root only: before (the line of passwd; empty: none), groups, field (of shadow), own-group,
# keys (authorized_keys), login (the site logged in as it then); and password, the field of shadow as written here.
_record() {
    printf '%s/accounts/user-%s/%s' "$GPU_METAL_HOME" "$(input name)" "$1"
}

_remember() {
    if [[ -e $(_record before) ]]; then return; fi
    if [[ -n $(_entry 1) ]]; then
        _groups_of "$1" | write_file "$(_record groups)" 0600
        _field "$1" | write_file "$(_record field)" 0600
        if logs_in "$(input name)"; then : | write_file "$(_record login)" 0600; fi
    elif [[ -n $(getent group "$1") ]]; then
        getent group "$1" | write_file "$(_record own-group)" 0600
    fi
    { getent passwd "$1" || true; } | write_file "$(_record before)" 0600
}

_make() {
    local name=$1 home uid words=(--shell "$(_shell)" --home-dir "$(_home)" --password '*')
    home=$(_home)
    uid=$(input uid '')
    # Reuse the number of a home that an earlier removal kept, so that it needs no chown.
    if [[ -z $uid && -d $home ]]; then
        uid=$(stat -c %u "$home")
        if ((uid < 1000)) || getent passwd "$uid" >/dev/null; then uid=; fi
    fi
    if [[ -n $uid ]]; then
        if getent passwd "$uid" >/dev/null; then
            untrue "has number $uid for user $(getent passwd "$uid" | cut -d: -f1), wants it for $name." \
                "Fix: write a free number in accounts.$name.uid, or leave uid out"
        fi
        words+=(--uid "$uid")
    fi
    if [[ -n $(getent group "$name") ]]; then words+=(--gid "$name"); else words+=(--user-group); fi
    if [[ ! -d $home ]]; then words+=(--create-home); else words+=(--no-create-home); fi
    if [[ $(input own no) == yes ]]; then words+=(-K HOME_MODE=0700); fi
    (umask 022 && mkdir -p "$(dirname "$home")" && useradd "${words[@]}" -- "$name")
}

_delete() {
    local processes
    # Whatever runs on, nobody can log in any more.
    if [[ -d $(_entry 6) ]]; then _put_keys_back "$1"; fi
    _write_field "$1" <<<'*'
    processes=$({ ps -o pid=,comm= -u "$(_entry 3)" || true; } | awk '{ printf "%s%s (%s)", sep, $1, $2; sep = ", " }')
    if [[ -n $processes ]]; then
        untrue "user $1 has processes: $processes. It can no longer log in, and is not deleted yet." \
            "Fix: end them (loginctl terminate-user $1), then run again"
    fi
    userdel "$1"
    printf 'kept: the home of %s\n' "$1"
    if [[ -e $(_record own-group) && -z $(getent group "$1") ]]; then
        groupadd --gid "$(cut -d: -f3 "$(_record own-group)")" -- "$1"
    fi
}

# As it was before: groups, shell, home, password and keys.
_give_back() {
    local name=$1 group shell home
    IFS=: read -r _ _ _ _ _ home shell <"$(_record before)"
    for group in $(comm -23 <(_groups_of "$name") "$(_record groups)"); do gpasswd -d "$name" "$group" >/dev/null; done
    for group in $(comm -13 <(_groups_of "$name") "$(_record groups)"); do
        if [[ -n $(getent group "$group") ]]; then gpasswd -a "$name" "$group" >/dev/null; fi
    done
    if [[ $(_entry 7) != "$shell" ]]; then usermod --shell "$shell" "$name"; fi
    _put_keys_back "$name"
    if [[ $(_entry 6) != "$home" ]]; then usermod --home "$home" "$name"; fi
    if [[ $(_field "$name") != "$(<"$(_record field)")" ]]; then _write_field "$name" <"$(_record field)"; fi
}

# --- groups ---

_wanted_groups() {
    input groups '' | tr ' ' '\n' | sed '/^$/d' | sort -u
}

# Groups that the user must leave: the site once gave them and no longer does.
_extra_groups() {
    local given
    given=$(previous groups '' | tr ' ' '\n' | sed '/^$/d' | sort -u)
    if [[ -s $(_record groups) ]]; then given=$(comm -23 - "$(_record groups)" <<<"$given"); fi
    sort -u <<<"$given" | comm -23 - <(_wanted_groups) | comm -12 - <(_groups_of "$1")
}

_check_groups() {
    local group extra
    for group in $(_wanted_groups); do
        if [[ -z $(getent group "$group") ]]; then
            untrue "has no group $group, wants $1 in it. Fix: write $group: null under accountGroups, or remove it from accounts.$1.groups"
        fi
    done
    for group in $(comm -23 <(_wanted_groups) <(_groups_of "$1")); do
        untrue "has $1 not in group $group, wants it there"
    done
    extra=$(_extra_groups "$1" | paste -sd ' ')
    if [[ -n $extra ]]; then untrue "has $1 in $extra, which the site does not give it"; fi
}

_join_and_leave() {
    local group
    for group in $(comm -23 <(_wanted_groups) <(_groups_of "$1")); do
        if [[ -z $(getent group "$group") ]]; then _check_groups "$1"; fi
        gpasswd -a "$1" "$group" >/dev/null
    done
    for group in $(_extra_groups "$1"); do gpasswd -d "$1" "$group" >/dev/null; done
}

# --- password ---

_check_password() {
    local field
    field=$(_field "$1")
    if [[ $(input password) == yes ]]; then
        if [[ ! -e $(_record password) ]]; then untrue "lacks the site's password for $1"; fi
        if [[ $field != "$(<"$(_record password)")" ]]; then untrue "has another password for $1 than was set here"; fi
    elif [[ $field != [*!]* ]]; then
        untrue "has a password for $1, wants none: login by key only"
    fi
}

_set_password() {
    local lines
    if [[ $(input password) == yes ]]; then
        lines=$(secret password | sed '/^$/d' | wc -l)
        if ((lines != 1)); then
            untrue "has a secret with $lines lines as the password of $1, wants one." \
                "Fix: pulumi config set --secret NAME < FILE, with the password as the file's only line"
        fi
        {
            printf '%s:' "$1"
            secret password
        } | chpasswd
        _field "$1" | write_file "$(_record password)" 0600
    else
        # A star instead of a hash: unlike with "!", sshd accepts this user's keys also without PAM.
        if [[ $(_field "$1") != [*!]* ]]; then _write_field "$1" <<<'*'; fi
        rm -f "$(_record password)"
    fi
}

# Writes stdin to the user's field in shadow, so that the hash is on no command line.
_write_field() {
    {
        printf '%s:' "$1"
        cat
    } | chpasswd --encrypted
}

# --- SSH keys ---

# Runs $2 as the user: without its shell, which may refuse commands, and without a session, which each check would log.
_as() {
    setpriv --reuid "$(_entry 3)" --regid "$(_entry 4)" --clear-groups \
        env -i HOME="$(_entry 6)" PATH="$PATH" bash -c "umask 077; cd ~ && { $2; }"
}

_keys_now() {
    _as "$1" 'cat .ssh/authorized_keys 2>/dev/null' || true
}

_wanted_keys() {
    # The site's login user keeps its other keys: one of them is the site's own.
    if [[ $(input login no) == yes ]]; then _keys_now "$1" | grep -vxF -f <(bulk keys) || true; fi
    bulk keys
}

_check_keys() {
    if [[ $(input keys no) == no ]]; then
        if [[ -e $(_record keys) ]]; then untrue "has keys of $1 that the site no longer gives"; fi
        return
    fi
    if ! cmp -s <(_wanted_keys "$1" | sort) <(_keys_now "$1" | sort); then
        untrue "has other keys in .ssh/authorized_keys of $1 than the site gives"
    fi
}

_give_keys() {
    local text
    if [[ $(input keys no) == no ]]; then
        if [[ -e $(_record keys) && $(input login no) == no ]]; then _put_keys_back "$1"; fi
        rm -f "$(_record keys)"
        return
    fi
    if [[ ! -e $(_record keys) ]]; then _keys_now "$1" | write_file "$(_record keys)" 0600; fi
    text=$(_wanted_keys "$1")
    _write_keys "$1" <<<"$text"
}

_put_keys_back() {
    if [[ ! -e $(_record keys) ]]; then return; fi
    if [[ -s $(_record keys) ]]; then
        _write_keys "$1" <"$(_record keys)"
    else
        _as "$1" 'rm -f .ssh/authorized_keys; rmdir .ssh 2>/dev/null || true'
    fi
}

_write_keys() {
    _as "$1" 'mkdir -p .ssh && cat >.ssh/.authorized_keys.gpu-metal &&
        mv -T .ssh/.authorized_keys.gpu-metal .ssh/authorized_keys'
}
