# Shifter's source is unpacked, whole, and is the one that the site names.
# rows: F1
# inputs: folder file url sha256 git revision
#
# The build works in a copy: this folder stays as it was unpacked, and the gateway is copied from it.

check() {
    if [[ $(tail -n 1 "$(_mark)" 2>/dev/null) != "$(_wanted)" ]]; then
        untrue "$(input folder) is not Shifter's source of $(_said)"
    fi
    if ! (cd "$(input folder)" && sha256sum --status -c .gpu-metal 2>/dev/null); then
        untrue "$(input folder) is not as it was unpacked"
    fi
}

apply() {
    local folder fresh archive=$GPU_METAL_HOME/shifter-source
    folder=$(input folder)
    fresh=$(dirname "$folder")/.$(basename "$folder").gpu-metal
    if [[ -e $folder && ! -e $(_mark) ]]; then
        untrue "has a folder $folder that is not ours. Nothing was changed. Fix: move it away"
    fi
    rm -rf -- "$fresh"
    umask 022
    mkdir -p -- "$fresh"
    if [[ -n $(input git '') ]]; then
        _clone "$fresh"
    else
        bring_artefact "$archive" "Shifter's source" 'compare with where it comes from; then correct source.archive'
        if ! tar -xf "$archive" -C "$fresh" --strip-components=1 --no-same-owner --no-same-permissions; then
            rm -rf -- "$fresh" "$archive"
            untrue "Shifter's source is not a tar archive that this host can read. Fix: source.archive must be a .tar.gz"
        fi
        rm -f -- "$archive"
    fi
    if [[ ! -f $fresh/autogen.sh || ! -f $fresh/configure.ac ]]; then
        rm -rf -- "$fresh"
        untrue "$(_said) is not a source of Shifter: it lacks autogen.sh or configure.ac." \
            "Fix: source must be an archive with one folder at its top, or a repository"
    fi
    { (cd "$fresh" && find . -type f -print0 | sort -z | xargs -0 sha256sum) && _wanted; } | write_file "$fresh/.gpu-metal" 0644
    rm -rf -- "$folder"
    mv -T -- "$fresh" "$folder"
}

undo() {
    if [[ -e $(_mark) ]]; then rm -rf -- "$(input folder)"; fi
    rm -rf -- "$(dirname "$(input folder)")/.$(basename "$(input folder)").gpu-metal"
}

_mark() { printf '%s/.gpu-metal' "$(input folder)"; }

# The last line of the mark: a mark that was cut lacks it.
_wanted() { printf '# %s\n' "$(input revision "$(input sha256 '')")"; }

_said() { input url "$(input file "$(input git '')")"; }

# Fetches one commit by its id, which also verifies it; from a server that gives no single commits, fetches all.
_clone() {
    local url revision seen
    url=$(input git) revision=$(input revision)
    proxy_variables
    cd -- "$1" || return
    git init --quiet
    if ! git -c transfer.fsckObjects=true fetch --quiet --depth 1 "$url" "$revision" &&
        ! git -c transfer.fsckObjects=true fetch --quiet "$url" '+refs/*:refs/all/*'; then
        rm -rf -- "$1"
        untrue "cannot fetch Shifter's source from $url. Fix: check that this host can reach it (name, proxy)"
    fi
    if ! git checkout --quiet "$revision" 2>/dev/null; then
        rm -rf -- "$1"
        untrue "$url has no commit $revision. Nothing was changed." \
            "Fix: correct source.git.revision (git rev-parse TAG^{commit})"
    fi
    seen=$(git rev-parse HEAD)
    if [[ $seen != "$revision" ]]; then
        rm -rf -- "$1"
        untrue "$url gave the commit $seen, wants $revision. It was not used. Fix: correct source.git.revision"
    fi
    cd /
    rm -rf -- "$1/.git"
}
