# A source tree is unpacked, whole, and is the one that the site names; its files belong to the user that runs it.
# rows: T2
# inputs: what folder user link file url sha256 git revision
# uses: orchestra

check() {
    if [[ $(tail -n 1 "$(_mark)" 2>/dev/null) != "$(_wanted)" ]]; then
        untrue "$(input folder) is not $(input what) of $(_said)"
    fi
    if ! (cd "$(input folder)" && sha256sum --status -c .gpu-metal 2>/dev/null); then
        untrue "$(input folder) is not as it was unpacked"
    fi
    if [[ -n $(input link '') && $(readlink -- "$(input link)") != "$(input folder)" ]]; then
        untrue "$(input link) does not lead to $(input folder)"
    fi
}

apply() {
    local folder fresh archive=$GPU_METAL_HOME/orchestra-source
    folder=$(input folder)
    fresh=$(dirname "$folder")/.$(basename "$folder").gpu-metal
    if [[ -e $folder && ! -e $(_mark) ]]; then
        untrue "has a folder $folder that is not ours. Nothing was changed. Fix: move it away, or write another path"
    fi
    restart_due orchestra-pilot
    rm -rf -- "$fresh"
    umask 022
    mkdir -p -- "$fresh"
    if [[ -n $(input git '') ]]; then
        _clone "$fresh"
    else
        bring_artefact "$archive" "$(input what)" 'compare with where it comes from; then correct its sha256'
        if ! tar -xf "$archive" -C "$fresh" --strip-components=1 --no-same-owner --no-same-permissions; then
            rm -rf -- "$fresh" "$archive"
            untrue "$(input what) is not a tar archive that this host can read. Fix: its archive must be a .tar.gz"
        fi
        rm -f -- "$archive"
    fi
    if [[ -z $(find "$fresh" -mindepth 1 -print -quit) ]]; then
        rm -rf -- "$fresh"
        untrue "$(_said) has nothing in it. Fix: an archive with one folder at its top, or a repository"
    fi
    { (cd "$fresh" && find . -type f -print0 | sort -z | xargs -0 sha256sum) && _wanted; } | write_file "$fresh/.gpu-metal" 0644
    chown -R -- "$(input user):" "$fresh"
    rm -rf -- "$folder"
    mv -T -- "$fresh" "$folder"
    if [[ -n $(input link '') ]]; then
        mkdir -p -- "$(dirname "$(input link)")"
        ln -sfn -- "$folder" "$(input link)"
    fi
}

undo() {
    if [[ -n $(input link '') && -L $(input link) ]]; then rm -f -- "$(input link)"; fi
    if [[ -e $(_mark) ]]; then rm -rf -- "$(input folder)"; fi
    rm -rf -- "$(dirname "$(input folder)")/.$(basename "$(input folder)").gpu-metal"
    rmdir -- "$(dirname "$(input folder)")" 2>/dev/null || true
}

_mark() { printf '%s/.gpu-metal' "$(input folder)"; }

# The last line of the mark: a mark that was cut lacks it.
_wanted() { printf '# %s\n' "$(input revision "$(input sha256 '')")"; }

_said() { input url "$(input file "$(input git '')")"; }

# Fetches one commit by its id, which also verifies it; from a server that gives no single commits, fetches all.
_clone() {
    local url revision
    url=$(input git) revision=$(input revision)
    proxy_variables
    cd -- "$1" || return
    git init --quiet
    if ! git -c transfer.fsckObjects=true fetch --quiet --depth 1 "$url" "$revision" &&
        ! git -c transfer.fsckObjects=true fetch --quiet "$url" '+refs/*:refs/all/*'; then
        rm -rf -- "$1"
        untrue "cannot fetch $(input what) from $url. Fix: check that this host can reach it (name, proxy, its key)"
    fi
    if ! git checkout --quiet "$revision" 2>/dev/null || [[ $(git rev-parse HEAD) != "$revision" ]]; then
        rm -rf -- "$1"
        untrue "$url has no commit $revision. Nothing was changed. Fix: correct its revision (git rev-parse TAG^{commit})"
    fi
    cd /
}
