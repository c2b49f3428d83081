# A local group exists, with the number that the site gives it, if any.
# rows: H4
# inputs: name gid system
#
# undo deletes a group that was made here; one that existed before stays as it is. Accounts list the groups they are in.

check() {
    local name gid seen
    name=$(input name) gid=$(input gid '')
    seen=$(_gid_of "$name")
    if [[ -z $seen ]]; then untrue "has no group $name, wants it"; fi
    if [[ -n $gid && $seen != "$gid" ]]; then
        untrue "has group $name with number $seen, wants $gid." \
            "Fix: write $name: $seen under accountGroups, since files may belong to it; or groupmod -g $gid $name"
    fi
}

apply() {
    local name gid owner words=()
    name=$(input name) gid=$(input gid '')
    if [[ -n $(_gid_of "$name") ]]; then check; fi
    if [[ -n $gid ]]; then
        owner=$(getent group "$gid" | cut -d: -f1 || true)
        if [[ -n $owner ]]; then
            untrue "has number $gid for group $owner, wants it for $name." \
                "Fix: take a free number in accountGroups.$name, or null"
        fi
        words+=(--gid "$gid")
    fi
    if [[ $(input system no) == yes ]]; then words+=(--system); fi
    # Record first, so that an interrupted run can be undone.
    : | write_file "$(_made)" 0600
    groupadd "${words[@]}" -- "$name"
}

undo() {
    local name gid users
    name=$(input name)
    if [[ ! -e $(_made) ]]; then return; fi
    gid=$(_gid_of "$name")
    if [[ -n $gid ]]; then
        users=$(getent passwd | awk -F: -v gid="$gid" '$4 == gid { print $1 }' | paste -sd ' ')
        if [[ -n $users ]]; then
            untrue "group $name is the main group of $users and cannot be deleted. Fix: usermod -g GROUP ${users%% *}"
        fi
        groupdel "$name"
    fi
    rm -f "$(_made)"
}

_gid_of() {
    getent group "$1" | cut -d: -f3 || true
}

_made() {
    printf '%s/accounts/group-%s' "$GPU_METAL_HOME" "$(input name)"
}
