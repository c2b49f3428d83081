# A user may become root as the site says: never, with its password, or always without one.
# rows: H4
# inputs: name sudo login
# uses: host
#
# One drop-in per user, checked by visudo before it is installed: a broken one could cost everybody sudo. With `no`,
# the drop-in and the memberships in sudo and wheel are removed, and check reports other rules that let the user become
# root. undo restores the former rights; only the site's login user keeps sudo, if it could not become root before.

check() {
    local name said
    name=$(input name)
    if [[ $(input sudo) == no ]]; then
        if [[ -e $(_file) ]]; then untrue "has $(_file), which lets $name become root"; fi
        if [[ -n $(root_groups "$name") ]]; then
            untrue "has $name in $(root_groups "$name" | paste -sd ' '), which lets it become root"
        fi
        if sudo_allows "$name" .; then
            said=$(grep -rlw -- "$name" /etc/sudoers /etc/sudoers.d 2>/dev/null | paste -sd ' ' || true)
            untrue "lets $name become root by another rule. Fix: visudo -f ${said:-/etc/sudoers}; or write sudo: always"
        fi
        return
    fi
    if ! _wanted | same_file "$(_file)"; then untrue "$(_file) is not what the site says of $name"; fi
    said=$(stat -c '%a %U %G' "$(_file)")
    if [[ $said != '440 root root' ]]; then untrue "has $(_file) as $said, which sudo refuses; wants 440 root root"; fi
    if ! sudo_allows "$name" ALL; then
        untrue "does not let $name become root by $(_file). Fix: see that /etc/sudoers has: @includedir /etc/sudoers.d"
    fi
}

apply() {
    local name group staged
    name=$(input name)
    _remember "$name"
    if [[ $(input sudo) == no ]]; then
        for group in $(root_groups "$name"); do gpasswd -d "$name" "$group" >/dev/null; done
        rm -f "$(_file)"
        return
    fi
    staged=$GPU_METAL_RUN/sudoers
    _wanted | write_file "$staged" 0440
    visudo -cqf "$staged"
    rm -f "$staged"
    _wanted | write_file "$(_file)" 0440 root:root
}

undo() {
    local name group
    name=$(input name)
    if logs_in "$name" && [[ ! -e $(_record root) ]]; then
        printf 'kept: the site logs in as %s\n' "$name"
        return
    fi
    # If an earlier undo kept the drop-in for the site's login user, there is no original to restore.
    if kept "$(_file)"; then restore "$(_file)"; else rm -f "$(_file)"; fi
    for group in $(cat "$(_record groups)" 2>/dev/null || true); do
        if getent passwd "$name" >/dev/null && getent group "$group" >/dev/null; then
            gpasswd -a "$name" "$group" >/dev/null
        fi
    done
    rm -rf "$(_record '')"
}

_file() {
    printf '/etc/sudoers.d/gpu-metal-%s' "$(input name)"
}

_wanted() {
    printf '# gpu-metal\n%s ALL=(ALL:ALL) %sALL\n' "$(input name)" \
        "$(if [[ $(input sudo) == always ]]; then printf 'NOPASSWD: '; fi)"
}

# What undo must know, for root only: groups, and root (it could become root before without a password).
_record() {
    printf '%s/accounts/sudo-%s/%s' "$GPU_METAL_HOME" "$(input name)" "$1"
}

_remember() {
    if [[ -e $(_record groups) ]]; then return; fi
    keep "$(_file)"
    if sudo_allows "$1" 'NOPASSWD: ALL'; then : | write_file "$(_record root)" 0600; fi
    root_groups "$1" | write_file "$(_record groups)" 0600
}
