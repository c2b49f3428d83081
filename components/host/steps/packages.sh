# Packages are installed, in the wanted versions, and held if asked; undo also removes what came with them.
# rows: H7 G8
# inputs: names hold folders replace replace_key
#
# names are `name`, `name=version`, where a version may be a glob, or `@term`. If `replace_key` is given, the
# installation may remove only the packages in `replace`, which is the site's key of that name.

check() {
    local says
    says=$(_with_words pkg_untrue)
    if [[ -n $says ]]; then untrue "$says"; fi
}

apply() {
    if [[ -n $(input replace_key '') ]]; then _spare_others; fi
    _with_words pkg_add
}

# Refuses an installation that would remove packages that neither came with us nor may be replaced.
_spare_others() {
    local words word missing=() gone
    read -ra words < <(input names)
    for word in $(os_packages "${words[@]}"); do
        if ! pkg_right "$word"; then missing+=("$word"); fi
    done
    if ((${#missing[@]} == 0)); then return; fi
    if pkg_unread; then pkg_update; fi
    # Outdated package lists may be the cause of a failure; pkg_add reports any other.
    gone=$(pkg_removes "${missing[@]}" 2>/dev/null) || {
        pkg_update
        gone=$(pkg_removes "${missing[@]}" 2>/dev/null) || return 0
    }
    gone=$(comm -23 <(printf '%s\n' "$gone") <({
        cat "$GPU_METAL_HOME/packages/came" 2>/dev/null || true
        input replace | tr ' ' '\n'
    } | sort -u))
    if [[ -n $gone ]]; then
        untrue "the installation of ${missing[*]} would remove ${gone//$'\n'/, }. Nothing was installed." \
            "Fix: $(input replace_key): [${gone//$'\n'/, }] in the site, which removes them; or another package"
    fi
}

undo() {
    local words word folder
    read -ra words < <(input names)
    mapfile -t words < <(pkg_asked && os_packages "${words[@]}")
    pkg_drop
    for word in "${words[@]}"; do
        if pkg_installed "${word%%=*}"; then return; fi
    done
    for folder in $(input folders ''); do
        if [[ -d $folder ]]; then
            awk -v "folder=$folder/" 'index($2, folder) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r umount
            find "$folder" -xdev -mindepth 1 -delete
            rmdir "$folder" 2>/dev/null || true # a mount point stays, empty
        fi
    done
}

# Runs $1 with the words, and with --hold where asked.
_with_words() {
    local words
    read -ra words < <(input names)
    if [[ $(input hold no) == yes ]]; then words=(--hold "${words[@]}"); fi
    "$1" "${words[@]}"
}
