#!/bin/bash
# Puts the library and the runner on this host, or takes everything away again. Sent as text:
#   bash -s -- install SHA256 STAGED NAME [LAYER…]
#       STAGED: the archive as copied here; NAME: the site's name for this host; LAYER: the layers that it has there
#   bash -s -- remove [RUN]
# In front of the text stand owner.sh and, from a stack, owner='PROJECT STACK SITE STATE' run_id='RUN'.
set -euo pipefail
umask 077
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
home=${GPU_METAL_HOME:-/var/lib/gpu-metal}
run=${GPU_METAL_RUN:-/run/gpu-metal}
bin=${GPU_METAL_BIN:-/usr/local/sbin/gpu-metal}
owner=${owner-} run_id=${run_id-} owner_text=

fail() {
    printf '✗ %s [%s] %s\n' "${name:-$(uname -n)}" "$1" "$2" >&2
    exit 1
}

# The name is stored on the disk, so that a swapped address or a cloned disk is noticed before anything changes.
check_identity() {
    local known
    [[ -f $home/identity ]] || return 0
    known=$(<"$home/identity")
    [[ $known == "$name" ]] || fail identity "this machine is $known ($home/identity); the site calls it $name. Nothing was \
changed. Fix: correct the addresses in the site; or, if it is to be $name from now on, run 'sudo $bin remove' on it first."
}

# A host that is another's is refused. With another state of our own stack it is taken over: the first one may be lost.
check_owner() {
    judge_owner "$home" "$owner"
    case $REPLY in
        ours | nobody) ;;
        state) printf '! %s [owner] was set up by %s, which is refused here from now on.\n' \
            "$name" "$owner_text" >&2 ;;
        *)
            refusal "$name" "$owner"
            fail owner "$REPLY"
            ;;
    esac
}

unpack() { # FOLDER
    local sum
    # Copied to a root-only place, then hashed, then used: nobody can change it in between.
    timeout 60 cp -- "$staged" "$1/archive" || fail library "$staged cannot be read. Fix: run again (pulumi up copies it)."
    sum=$(sha256sum <"$1/archive")
    [[ ${sum%% *} == "$wanted" ]] || fail library-digest "$staged has SHA-256 ${sum:0:12}…, wanted ${wanted:0:12}…. Nothing \
was installed. Fix: run again; if it stays so, find out who writes to that file."
    tar -xzf "$1/archive" -C "$1" --no-same-owner --no-same-permissions
}

# place FILE TARGET: copies it whole or not at all; leaves a TARGET with the same content untouched
place() {
    [[ ! -f $2 || $(sha256sum <"$1") != "$(sha256sum <"$2")" ]] || return 0
    cp -- "$1" "$2.new"
    sync "$2.new"
    mv -fT -- "$2.new" "$2"
}

# place_all FOLDER TARGET: the same for each file of a folder; hashes all of them at once
place_all() {
    local line there
    there=$(cd "$2" && sha256sum -- *.* 2>/dev/null) || true
    while read -r line; do
        [[ $'\n'$there$'\n' == *$'\n'"$line"$'\n'* ]] || place "$1/${line#*  }" "$2/${line#*  }"
    done < <(cd "$1" && sha256sum -- *.*)
}

# bring RUNNER: library and runner, from the archive
bring() {
    unpack "$folder"
    # Old versions stay, since undo runs the version that was applied.
    place_all "$folder/library" "$home/library"
    place_all "$folder/runner" "$1"
    place_all "$folder/runner/os" "$1/os"
    chmod 0700 "$1/runner.sh"
}

install() {
    local runner=$home/runner/${wanted:0:12}
    check_identity
    check_owner
    mkdir -p -- "$run" "$home/library" "$runner/os" "${bin%/*}"
    # One install at a time; it removes the leftovers of a killed one.
    exec 9>"$run/install.lock"
    flock -w 60 9 || fail lock "another install holds $run/install.lock. Fix: wait for it, then run again."
    rm -rf -- "$run"/install.*/
    folder=$(mktemp -d "$run/install.XXXXXX")
    trap 'rm -rf -- "$folder"' EXIT
    # If an earlier run was cut off after it had deleted the archive, keep the runner that it installed.
    [[ ! -e $staged && $(readlink -- "$bin") == "$runner/runner.sh" ]] || bring "$runner"
    claim_owner "$home" "$owner" "$run_id"
    printf '%s\n' "$name" >"$folder/identity"
    place "$folder/identity" "$home/identity"
    if [[ ${#layers[@]} -gt 0 ]]; then
        printf '%s\n' "${layers[@]}" >"$folder/site"
        place "$folder/site" "$home/site"
    fi
    # The runner changes in one rename, with all its parts.
    if [[ $(readlink -- "$bin") != "$runner/runner.sh" ]]; then
        ln -sfn -- "$runner/runner.sh" "$bin.new"
        mv -fT -- "$bin.new" "$bin"
    fi
    # The second path is where earlier releases put the archive: the home of the user that logs in.
    rm -f -- "$staged" .gpu-metal-library.tar.gz
    printf 'library %s\n' "${wanted:0:12}"
}

# remove [RUN]: the runner says itself whether it may, under its lock; 3: it was left alone
remove() {
    local status=0
    if [[ -x $bin ]]; then
        GPU_METAL_HOME=$home GPU_METAL_RUN=$run GPU_METAL_BIN=$bin "$bin" remove "$@" <<<"owner $owner" || status=$?
        [[ $status -ne 3 ]] || return 0
        [[ $status -eq 0 ]] || exit "$status"
    fi
    rm -f -- "$bin"
    rm -rf -- "$home" "$run"
}

main() {
    case ${1-} in
        install)
            [[ $# -ge 4 ]] || fail call "install SHA256 STAGED NAME [LAYER…]"
            wanted=$2 staged=$3 name=$4 layers=("${@:5}")
            install
            ;;
        remove) remove "${@:2}" ;;
        *) fail call "install or remove, not '${1-}'" ;;
    esac
}

# bash reads the whole script before main runs, so a script that was cut off in transit does nothing.
main "$@" </dev/null
