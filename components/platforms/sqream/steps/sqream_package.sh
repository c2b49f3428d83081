# SQream's package has the site's checksum, and is unpacked completely in its user's home.
# rows: Q2
# inputs: user package file url sha256
# limit: 3600
# uses: sqream
#
# Its folder has its name, beside those of older packages; files that somebody added there stay. sqream_install removes an
# older package once this one is installed.

_parts=(.docker .hadoop .install .krb5 license .sqream sqream-console sqream-install)

check() {
    local part
    if [[ ! -d $(sqream_folder) ]]; then untrue "has no $(sqream_folder), wants the package there"; fi
    for part in "${_parts[@]}"; do
        if [[ ! -e $(sqream_folder)/$part ]]; then untrue "$(sqream_folder) has no $part"; fi
    done
    if [[ $(head -n 1 "$(_record)" 2>/dev/null) != "$(input sha256)" ]]; then
        untrue "$(sqream_folder) is not of the site's package"
    fi
    if ! _is_whole; then untrue "$(sqream_folder) is not as it was unpacked"; fi
}

apply() {
    local folder staged former tarball=$GPU_METAL_HOME/sqream-package part lacking=()
    folder=$(sqream_folder)
    staged=$(_staged "$folder")
    former=$staged-former
    # Repairs a run that was cut between the two moves below.
    if [[ -d $former && ! -d $folder ]]; then mv -T -- "$former" "$folder"; fi
    bring_artefact "$tarball" "the package $(input package)" \
        "compare with what SQream's support delivered; then correct installer.sha256"
    rm -rf -- "$staged"
    sqream_as mkdir "$staged"
    # Unpacked as the user, who then owns the files; the tarball itself is root's.
    if ! (umask 022 && sqream_as tar -xz --strip-components=1 -C "$staged" -f - <"$tarball"); then
        rm -rf -- "$staged" "$tarball"
        untrue "The package $(input package) cannot be unpacked in $(dirname "$folder"), with" \
            "$(df -h --output=avail "$(dirname "$folder")" | tail -n 1 | tr -d ' ') free." \
            "Fix: make room there (it takes three times the tarball's size)"
    fi
    for part in "${_parts[@]}"; do if [[ ! -e $staged/$part ]]; then lacking+=("$part"); fi; done
    if ((${#lacking[@]})); then
        rm -rf -- "$staged" "$tarball"
        untrue "The package $(input package) has no ${lacking[*]}. It was not used. Fix: ask SQream's support for a whole one"
    fi
    dirname "$folder" | write_file "$(sqream_state home)" 0600
    { input sha256 && _listing "$staged"; } | write_file "$(_record)" 0600
    rm -rf -- "$former"
    if [[ -d $folder ]]; then
        # Keeps the licence and Hadoop's files that are there already, whoever wrote them.
        cp -an -- "$folder/." "$staged/"
        mv -T -- "$folder" "$former"
    fi
    mv -T -- "$staged" "$folder"
    rm -rf -- "$former" "$tarball"
}

# Also removes packages that were unpacked and never installed.
undo() {
    local record folder
    for record in "$(dirname "$(_record)")"/*; do
        if [[ ! -f $record ]]; then continue; fi
        folder=$(sqream_folder "${record##*/}")
        rm -rf -- "$folder" "$(_staged "$folder")" "$(_staged "$folder")-former"
        rm -f "$record"
    done
    rm -f "$GPU_METAL_HOME/sqream-package" "$(sqream_state home)"
    rmdir "$(dirname "$(_record)")" 2>/dev/null || true
}

# Beside FOLDER, hidden
_staged() { printf '%s/.%s.gpu-metal\n' "$(dirname "$1")" "$(basename "$1")"; }

# The checksum, and what the package brought
_record() { sqream_state "unpacked/$(input package)"; }

# Sizes and names of the vendor's files: quick for gigabytes, and finds files that were cut.
_listing() { (cd "$1" && find .docker .install sqream-console sqream-install -type f -printf '%s %p\n' | LC_ALL=C sort -k 2); }

_is_whole() {
    local size name
    while read -r size name; do
        if [[ $(stat -c %s "$(sqream_folder)/$name" 2>/dev/null) != "$size" ]]; then return 1; fi
    done < <(tail -n +2 "$(_record)")
}
