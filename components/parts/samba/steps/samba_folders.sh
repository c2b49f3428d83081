# The folders of the shares are there, and each user may do in them what the site says.
# rows: N3
# inputs: homes shared users
# bulk: access
# uses: samba
#
# A word of homes and shared is `PATH` or `PATH:MOUNT`, with the mount point of the host's disk below the path. A line of
# access is `USER r|w FOLDER`. A folder of homes has one folder for each of its users, which nobody else can enter. A
# shared folder belongs to the group gm-samba, of all users; its owner stays. undo gives back group and mode of a shared
# folder and removes a folder that came with us, if it is empty: what users put there is never deleted.

_group=gm-samba

check() {
    local user right folder word path
    for word in $(input homes) $(input shared); do _must_be_mounted "$word"; done
    for word in $(input homes) $(input shared); do
        path=${word%:*}
        if [[ ! -d $path ]]; then untrue "has no folder $path, wants it for a share"; fi
        _refuse_link "$path"
    done
    _check_group
    for word in $(input shared); do
        path=${word%:*}
        if [[ $(stat -c '%G %a' "$path") != "$_group 2775" ]]; then
            untrue "has $path of group $(stat -c %G "$path") with mode $(stat -c %a "$path"), wants $_group and 2775"
        fi
    done
    while read -r user right folder; do
        if [[ ! -d $folder ]]; then untrue "has no folder $folder, wants it for $user"; fi
        _refuse_link "$folder"
        if _is_home "$folder" && [[ $(stat -c '%U %a' "$folder") != "$user 700" ]]; then
            untrue "has $folder of $(stat -c %U "$folder") with mode $(stat -c %a "$folder"), wants $user and 700"
        fi
        _may "$user" "$right" "$folder"
    done < <(bulk access)
    if [[ -n $(_dropped) ]]; then untrue "has folders of shares that the site no longer has: $(_dropped | paste -sd ' ')"; fi
}

apply() {
    local user right folder word path
    for word in $(input homes) $(input shared); do _must_be_mounted "$word"; done
    _dropped | _give_back
    _make_group
    for word in $(input homes) $(input shared); do _made "${word%:*}"; done
    for word in $(input shared); do
        path=${word%:*}
        (cd -P -- "$path" && _refuse_link "$PWD" "$path" && chgrp -- "$_group" . && chmod -- 02775 .)
    done
    while read -r user _ folder; do
        if ! _is_home "$folder"; then continue; fi
        _made "$folder"
        (cd -P -- "$folder" && _refuse_link "$PWD" "$folder" && _own "$user" "$folder" && chmod -- 00700 .)
    done < <(bulk access)
    while read -r user right folder; do _may "$user" "$right" "$folder"; done < <(bulk access)
}

undo() {
    _recorded | _give_back
    if [[ -e $(_members) ]]; then
        groupdel "$_group" 2>/dev/null || true
        rm -f "$(_members)"
    fi
    rm -f "$(_record)"
}

_must_be_mounted() { # PATH[:MOUNT]
    local mount=''
    if [[ $1 == *:* ]]; then mount=${1#*:}; fi
    mount=$(samba_off_disk "${1%:*}" "$mount")
    if [[ -n $mount ]]; then untrue "$mount"; fi
}

_is_home() { [[ " $(input homes) " == *" ${1%/*} "* || " $(input homes) " == *" ${1%/*}:"* ]]; }

# A folder that is another user's is never given away: what is in it is that user's.
_own() { # USER FOLDER
    local owner
    owner=$(stat -c %U .)
    if [[ $owner == "$1" ]]; then return; fi
    if [[ $owner != root || -n $(ls -A .) ]]; then
        untrue "has $2 of $owner, wants it for $1. Fix: chown -R $1: $2, if its files are $1's; else move it away"
    fi
    chown -- "$1:" .
}

# _may USER r|w FOLDER: as the user itself, so that each folder above counts too
_may() {
    local what=-r says=read
    if [[ $2 == w ]]; then what=-w says='write to'; fi
    # shellcheck disable=SC2016  # the inner shell expands it
    if ! setpriv --reuid "$1" --regid "$(id -g "$1")" --init-groups \
        sh -c 'test "$1" "$2" && test -x "$2"' _ "$what" "$3"; then
        untrue "has $3, which $1 cannot $says. Fix: namei -l $3 shows which folder above it $1 cannot enter; chmod o+x" \
            "opens it"
    fi
}

# --- the group of shared folders ---

_members() { printf '%s/samba-group' "$GPU_METAL_HOME"; }

_seen_members() { getent group "$_group" | cut -d : -f 4 | tr ',' '\n' | sed '/^$/d' | sort | paste -sd ' '; }

_wanted_members() { input users | tr ' ' '\n' | sort | paste -sd ' '; }

_check_group() {
    local seen
    if [[ -z $(getent group "$_group") ]]; then untrue "has no group $_group, wants it for shared folders"; fi
    seen=$(_seen_members)
    if [[ $seen != "$(_wanted_members)" ]]; then
        untrue "has ${seen:-nobody} in the group $_group, wants $(_wanted_members)"
    fi
}

_make_group() {
    if [[ -z $(getent group "$_group") ]]; then
        : | write_file "$(_members)" 0600
        groupadd --system "$_group"
    fi
    if [[ $(_seen_members) != "$(_wanted_members)" ]]; then gpasswd -M "$(_wanted_members | tr ' ' ',')" "$_group" >/dev/null; fi
}

# --- what was there: a line `FOLDER WAS` for each folder, where WAS is absent or `UID:GID MODE` ---

_record() { printf '%s/samba-folders' "$GPU_METAL_HOME"; }

_recorded() { if [[ -e $(_record) ]]; then cut -d ' ' -f 1 "$(_record)"; fi; }

_wanted() {
    local word path
    {
        for word in $(input homes) $(input shared); do printf '%s\n' "${word%:*}"; done
        bulk access | cut -d ' ' -f 3
    } | while read -r path; do
        while [[ $path == /*/* ]]; do
            printf '%s\n' "$path"
            path=${path%/*}
        done
    done | sort -u
}

_dropped() { comm -23 <(_recorded | sort -u) <(_wanted); }

# _made FOLDER: with those above it that are not there. The owner, group and mode of what was there are recorded first.
_made() {
    local path=$1 missing=()
    while [[ ! -e $path && ! -L $path ]]; do
        missing=("$path" "${missing[@]}")
        path=${path%/*}
    done
    if ((${#missing[@]} == 0)); then _note "$1" "$(stat -c '%u:%g %a' "$1")"; fi
    for path in "${missing[@]}"; do
        _note "$path" absent
        (umask 022 && mkdir -- "$path")
    done
    _refuse_link "$1"
}

_note() {
    if _recorded | grep -xF -- "$1" >/dev/null; then return; fi
    { if [[ -e $(_record) ]]; then cat "$(_record)"; fi && printf '%s %s\n' "$1" "$2"; } | write_file "$(_record)" 0600
}

# Whoever may write above a folder could lead us to any file of this host.
_refuse_link() { # PATH [NAME]
    if [[ -L $1 || (-e $1 && $(realpath -- "$1") != "${2:-$1}") ]]; then
        untrue "has ${2:-$1}, which is a link or is behind one, and a share wants a folder. Fix: remove the link," \
            "or write the folder that it leads to"
    fi
}

# The folders of stdin, the innermost first. One whose disk is not there is forgotten: nothing of ours is in the way.
_give_back() {
    local folder was
    sort -r | while read -r folder; do
        was=$(awk -v "folder=$folder" '$1 == folder { sub(/^[^ ]* /, ""); print }' "$(_record)")
        if [[ -d $folder && ! -L $folder && $(realpath -- "$folder") == "$folder" ]]; then
            if [[ $was == absent ]]; then
                rmdir --ignore-fail-on-non-empty -- "$folder"
            elif ! _is_users "$folder"; then
                (cd -P -- "$folder" && chown -- "${was% *}" . && chmod -- "00${was#* }" .)
            fi
        fi
        awk -v "folder=$folder" '$1 != folder' "$(_record)" | write_file "$(_record)" 0600
    done
}

# A home with files stays its user's.
_is_users() { [[ $(stat -c %U "$1") == "${1##*/}" && -n $(ls -A "$1") ]]; }
