# The folders of SQream are there, and its user can read and write them.
# rows: Q1
# inputs: user storage config log ingest
# uses: sqream
#
# A folder is made, or given to the user when it was root's; what is in it keeps its owners (containers write as root).
# It may be one of the four alone. undo takes away those that were made here and are empty, and gives back the others.

check() {
    local key folder
    _check_user
    for key in storage config log ingest; do
        folder=$(input "$key" '')
        if [[ -z $folder ]]; then continue; fi
        if [[ ! -d $folder ]]; then untrue "has no folder $folder (folders.$key), wants it"; fi
        if ! _usable "$folder"; then
            untrue "has $folder (folders.$key) of $(stat -c '%U:%G, mode %a' "$folder"), where $(input user) cannot read and write"
        fi
    done
}

apply() {
    local key folder
    _check_user
    for key in storage config log ingest; do
        folder=$(input "$key" '')
        if [[ -z $folder ]] || { [[ -d $folder ]] && _usable "$folder"; }; then continue; fi
        if [[ ! -e $folder ]]; then
            _remember "new||$folder"
            keep "$folder"
            # Those above it are everybody's to pass through, as any mount point.
            (umask 022 && mkdir -p "$(dirname "$folder")")
            (umask 027 && mkdir "$folder")
        elif [[ ! -d $folder ]]; then
            untrue "has $folder, which is no folder. Fix: name another one in folders.$key"
        elif [[ $(stat -c %U "$folder") != root ]] && ! kept "$folder"; then
            untrue "has $folder of $(stat -c '%U:%G, mode %a' "$folder"), where $(input user) cannot read and write." \
                "Fix: chown $(input user): $folder, if nobody else needs it; or name another one in folders.$key"
        fi
        _remember "$(stat -c '%u:%g|%a|%n' "$folder")"
        chown "$(input user):" "$folder"
        chmod u+rwx "$folder"
        if ! _usable "$folder"; then
            untrue "has $folder, which $(input user) cannot reach: $(_closed "$folder") is closed to it." \
                "Fix: chmod o+x $(_closed "$folder"), or name another folder in folders.$key"
        fi
    done
}

undo() {
    local folder owner mode
    while IFS='|' read -r owner mode folder; do
        if [[ $owner == new ]]; then
            # Log files and settings are SQream's own, data is people's: only an empty folder goes.
            restore "$folder"
        elif [[ -d $folder ]]; then
            chown "$owner" "$folder"
            chmod "$mode" "$folder"
        fi
    done < <(cat "$(_record)" 2>/dev/null || true)
    rm -f "$(_record)"
    rmdir "$(dirname "$(_record)")" 2>/dev/null || true
}

_check_user() {
    if ! id "$(input user)" >/dev/null 2>&1 || [[ ! -d $(dirname "$(sqream_folder)") ]]; then
        untrue "has no user $(input user) with a home, wants it. Fix: accounts: {$(input user): {}} in the site"
    fi
}

_usable() {
    # shellcheck disable=SC2016  # expanded there
    sqream_as bash -c '[[ -r $1 && -w $1 && -x $1 ]]' - "$1"
}

# The first folder on the way to $1 that the user cannot pass
_closed() {
    # shellcheck disable=SC2016  # expanded there
    sqream_as bash -c 'at=; IFS=/; for part in ${1#/}; do at+=/$part; [[ -x $at ]] || { echo "$at"; break; }; done' - "$1"
}

# shellcheck disable=SC2154  # gm_step comes by stdin
_record() { sqream_state "$gm_step"; }

# A line `OWNER|MODE|FOLDER`, once for each folder
_remember() {
    if [[ -e $(_record) ]] && cut -d '|' -f 3 "$(_record)" | grep -xF -- "${1##*|}" >/dev/null; then return; fi
    {
        cat "$(_record)" 2>/dev/null || true
        printf '%s\n' "$1"
    } | write_file "$(_record)" 0600
}
