# Shifter's programs are found where users and its own documents expect them.
# rows: F1
# inputs: prefix

check() {
    local link
    while read -r link; do
        if [[ $(readlink "$link") != "$(_target "$link")" ]]; then untrue "$link does not lead to $(_target "$link")"; fi
    done < <(_links)
}

apply() {
    local link fresh
    while read -r link; do
        if [[ $(readlink "$link") == "$(_target "$link")" ]]; then continue; fi
        if [[ -d $link && ! -L $link ]]; then untrue "$link is a folder, wants it as a link. Fix: move it away"; fi
        keep "$link"
        (umask 022 && mkdir -p "$(dirname "$link")")
        fresh=$(dirname "$link")/.$(basename "$link").gpu-metal
        ln -sfn "$(_target "$link")" "$fresh"
        mv -T "$fresh" "$link"
    done < <(_links)
}

undo() {
    local link
    for link in "${_all[@]}"; do restore "$link"; done
}

_all=(/usr/bin/shifter /usr/bin/shifterimg /usr/libexec/shifter/mount)

# Empty if the build has installed the programs there itself.
_links() {
    local link
    for link in "${_all[@]}"; do
        if [[ $link != "$(_target "$link")" ]]; then printf '%s\n' "$link"; fi
    done
}

_target() { printf '%s%s' "$(input prefix)" "${1#/usr}"; }
