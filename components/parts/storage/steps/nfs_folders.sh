# The folders of the volumes are there, of their owner and with their mode.
# rows: S2
# inputs: path mount
# bulk: folders
# uses: storage
#
# A line of folders is `UID:GID MODE FOLDER`, with - for what is left as it is. A + before it is for a folder that is a
# person's from then on: its mode is theirs, and one that is somebody else's is refused; +0:0 is everybody's, made if it
# is not there. undo gives back owner and mode, and removes a folder that came with us if it is empty: what others put
# there is never deleted.

check() {
    local owner mode folder path says
    says=$(share_off_disk "$(input path)" "$(input mount)")
    if [[ -n $says ]]; then untrue "$says"; fi
    while read -r owner mode folder; do
        path=$(input path)/$folder
        if [[ ! -d $path ]]; then untrue "has no folder $path, wants it for a volume"; fi
        _refuse_link "$path"
        if [[ $owner == +* ]]; then
            if [[ $owner != +0:* && $(stat -c %u "$path") != "$(_uid "$owner")" ]]; then
                untrue "has $path of $(stat -c %u:%g "$path"), wants it for ${owner#+}"
            fi
            continue
        fi
        if [[ $owner != - && $(stat -c %u:%g "$path") != "$owner" ]]; then
            untrue "has $path of $(stat -c %u:%g "$path"), wants $owner"
        fi
        if [[ $mode != - && $((8#$(stat -c %a "$path"))) != "$((8#$mode))" ]]; then
            untrue "has $path with mode $(stat -c %a "$path"), wants $mode"
        fi
    done < <(bulk folders)
    if [[ -n $(_dropped) ]]; then untrue "has folders of volumes that the site no longer has: $(_dropped | paste -sd ' ')"; fi
}

apply() {
    local owner mode folder path says
    says=$(share_off_disk "$(input path)" "$(input mount)")
    if [[ -n $says ]]; then untrue "$says"; fi
    while read -r owner mode folder; do _refuse_other "$folder" "$owner"; done < <(bulk folders)
    _dropped | _give_back
    while read -r owner mode folder; do
        path=$(input path)/$folder
        if [[ $owner == +* ]]; then
            _give "$folder" "${owner#+}" "$mode"
        else
            _made "$folder"
            _set "$path" "$owner" "$mode"
        fi
    done < <(bulk folders)
}

undo() {
    if [[ -n $(share_off_disk "$(input path)" "$(input mount)") ]]; then return; fi
    _recorded | _give_back
    rm -f "$(_record)"
}

# The record has a line `FOLDER WAS` for each folder, where WAS is absent or `UID:GID MODE`.
_record() { printf '%s/storage-folders' "$GPU_METAL_HOME"; }

_recorded() { if [[ -e $(_record) ]]; then cut -d ' ' -f 1 "$(_record)"; fi; }

# A folder with each one above it, as the record has them
_above() {
    local folder
    while read -r folder; do
        while [[ -n $folder && $folder != . ]]; do
            printf '%s\n' "$folder"
            folder=$(dirname "$folder")
        done
    done | sort -u
}

_dropped() { comm -23 <(_recorded | sort -u) <(bulk folders | cut -d ' ' -f 3- | _above); }

# A folder with files that was there before us is its owner's.
_refuse_other() { # FOLDER OWNER
    local path is
    path=$(input path)/$1
    if [[ $2 == [-+]* || ! -d $path || -L $path ]] || _recorded | grep -xF -- "$1" >/dev/null; then return; fi
    is=$(stat -c %u:%g "$path")
    if [[ $is != "$2" && $is != 0:* && -n $(ls -A "$path") ]]; then
        untrue "has $path of $is, with files, and the site's volume wants it for $2. Nothing was changed. Fix: write" \
            "owner: \"$is\" for that volume, or another path; or, if the files are $2's: chown -R $2 $path"
    fi
}

# _made FOLDER [WAS]: makes a folder of the share, and records first what was there; WAS in place of an owner and mode
_made() {
    local folder path was
    for folder in $(_above <<<"$1"); do
        path=$(input path)/$folder
        if ! _recorded | grep -xF -- "$folder" >/dev/null; then
            was=absent
            if [[ -d $path ]]; then was=$(stat -c '%u:%g %a' "$path"); fi
            if [[ $was != absent && $folder == "$1" ]]; then was=${2:-$was}; fi
            { if [[ -e $(_record) ]]; then cat "$(_record)"; fi && printf '%s %s\n' "$folder" "$was"; } |
                write_file "$(_record)" 0600
        fi
        _refuse_link "$path"
        if [[ ! -d $path ]]; then (umask 022 && mkdir "$path"); fi
    done
}

# Whoever may write in the share could lead us to any file of this host.
_refuse_link() { # PATH [NAME]
    if [[ -L $1 || (-e $1 && $(realpath -- "$1") != "${2:-$1}") ]]; then
        untrue "has ${2:-$1}, which is a link or is behind one, and a volume wants a folder. Fix: remove the link," \
            "or write the folder that it leads to"
    fi
}

# _set PATH OWNER MODE: from within the folder, since whoever may write above it could put a link there after the look.
# chmod keeps a folder's bit for the group unless the mode has five digits.
_set() (
    cd -P -- "$1" || exit
    _refuse_link "$(pwd -P)" "$1"
    if [[ $2 != - ]]; then chown -- "$2" .; fi
    if [[ $3 != - ]]; then chmod -- "00$3" .; fi
)

_uid() { sed 's/^+//; s/:.*//' <<<"$1"; }

# _give FOLDER OWNER MODE: a new folder, or an empty one of root; what is somebody's is never given away.
_give() {
    local path seen new=
    path=$(input path)/$1
    if [[ ! -e $path ]]; then new=yes; fi
    _made "$1" '- -' # who has files there keeps the folder
    seen=$(stat -c %u "$path")
    if [[ -z $new && ($2 == 0:* || $seen == "$(_uid "$2")") ]]; then return; fi
    if [[ $seen != 0 || -n $(ls -A -- "$path") ]]; then
        untrue "has $path of $(stat -c %u:%g "$path"), wants it for $2." \
            "Fix: chown -R $2 $path, if its files are theirs; else move it away"
    fi
    _set "$path" "$2" "$3"
}

# The folders of stdin, the innermost first
_give_back() {
    local folder was path
    sort -r | while read -r folder; do
        path=$(input path)/$folder
        was=$(awk -v "folder=$folder" '$1 == folder { sub(/^[^ ]* /, ""); print }' "$(_record)")
        if [[ -d $path && ! -L $path && $(realpath -- "$path") == "$path" ]]; then
            if [[ $was == absent ]]; then
                rmdir --ignore-fail-on-non-empty -- "$path"
            else
                _set "$path" "${was% *}" "${was#* }"
            fi
        fi
        awk -v "folder=$folder" '$1 != folder' "$(_record)" | write_file "$(_record)" 0600
    done
}
