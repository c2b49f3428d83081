#!/bin/bash
# Puts the library and the runner on this host, or takes everything away again. Sent as text:
#   bash -s -- install SHA256 STAGED NAME [LAYER…]
#       STAGED: the archive as copied here; NAME: the site's name for this host; LAYER: the layers that it has there
#   bash -s -- remove [RUN]
# In front of the text stand owner.sh, space.sh and, from a stack, owner='PROJECT STACK SITE STATE' run_id='RUN'.
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

# The name is stored on the disk, so that a swapped address or a cloned disk is noticed before anything changes. An empty
# file names no other machine.
check_identity() {
    local known
    [[ -s $home/identity ]] || return 0
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
    local sum error
    # Copied to a root-only place, then hashed, then used: nobody can change it in between.
    error=$(timeout 60 cp -- "$staged" "$1/archive" 2>&1) || fail library "$staged cannot be $(_not_copied "$error")"
    sum=$(sha256sum <"$1/archive")
    [[ ${sum%% *} == "$wanted" ]] || fail library-digest "$staged has SHA-256 ${sum:0:12}…, wanted ${wanted:0:12}…. Nothing \
was installed. Fix: run again; if it stays so, find out who writes to that file."
    tar -xzf "$1/archive" -C "$1" --no-same-owner --no-same-permissions
}

_not_copied() { # ERROR
    local fix
    fix=$(cause "$1")
    if [[ -n $fix ]]; then printf 'copied: %s. %s' "${1##*: }" "$fix"; else printf 'read. Fix: run again (pulumi up copies it).'; fi
}

# place FILE TARGET: copies it whole or not at all; leaves a TARGET with the same content untouched
place() {
    [[ ! -f $2 || $(sha256sum <"$1") != "$(sha256sum <"$2")" ]] || return 0
    cp -- "$1" "$2.new"
    sync "$2.new"
    mv -fT -- "$2.new" "$2"
}

# place_all FOLDER TARGET: the same for each file of a folder, with few processes for hundreds of files: they are hashed,
# copied, synced and renamed all at once
place_all() {
    local line there files=()
    # What a killed install has left
    [[ ! -e $2/.new ]] || rm -rf -- "$2/.new"
    there=$(cd "$2" && sha256sum -- *.* 2>/dev/null) || true
    while read -r line; do
        [[ $'\n'$there$'\n' == *$'\n'"$line"$'\n'* ]] || files+=("${line#*  }")
    done < <(cd "$1" && sha256sum -- *.*)
    [[ ${#files[@]} -gt 0 ]] || return 0
    mkdir -- "$2/.new"
    cp -t "$2/.new" -- "${files[@]/#/$1/}"
    files=("${files[@]/#/$2/.new/}")
    sync "${files[@]}"
    mv -f -t "$2" -- "${files[@]}"
    rmdir -- "$2/.new"
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

# install_or_say: whatever fails is told in one line, with the host's name and a fix
install_or_say() {
    local said status fix
    exec 3>&1
    # Not `|| status=$?`, which would switch errexit off within.
    set +e
    said=$(set -e && install 2>&1 >&3)
    status=$?
    set -e
    if [[ $status -eq 0 || $said == *✗* ]]; then
        [[ -z $said ]] || printf '%s\n' "$said" >&2
        return "$status"
    fi
    fix=$(cause "$said")
    said=$(grep -m 1 -e 'No space' -e 'Read-only' <<<"$said" || head -n 1 <<<"$said")
    fail install "gpu-metal could not be put here: ${said:0:300}. ${fix:-Fix: mend that, then run again.}"
}

# remove [RUN]: the runner says itself whether it may, under its lock; 3: it was left alone
remove() {
    local status=0 runner=$bin layers
    # Somebody may have deleted the link alone: without a runner nothing is undone, and nothing may be forgotten.
    [[ -x $runner ]] || runner=$(find "$home/runner" -mindepth 2 -maxdepth 2 -name runner.sh -perm -100 -printf '%T@ %p\n' \
        2>/dev/null | sort -n | tail -n 1 | cut -d ' ' -f 2-) || true
    layers=$(find "$home/ledger" -type f -printf '%f ' 2>/dev/null || true)
    if [[ -x $runner ]]; then
        GPU_METAL_HOME=$home GPU_METAL_RUN=$run GPU_METAL_BIN=$bin "$runner" remove "$@" <<<"owner $owner" || status=$?
        [[ $status -ne 3 ]] || return 0
        [[ $status -eq 0 ]] || exit "$status"
    elif [[ -n $layers ]]; then
        fail runner "gpu-metal is gone from here ($bin, $home/runner), and what it applied is not: ${layers% }. Nothing was \
undone. Fix: with this host in the site, sitectl drift --record, then pulumi up; then again."
    elif [[ -L $bin && ! -e $home ]]; then
        printf '! %s [ledger] %s is gone: nothing tells what was applied here, and nothing was undone.\n' \
            "$(uname -n)" "$home" >&2
    fi
    rm -f -- "$bin"
    rm -rf -- "$home" "$run"
}

main() {
    case ${1-} in
        install)
            [[ $# -ge 4 ]] || fail call "install SHA256 STAGED NAME [LAYER…]"
            wanted=$2 staged=$3 name=$4 layers=("${@:5}")
            install_or_say
            ;;
        remove) remove "${@:2}" ;;
        *) fail call "install or remove, not '${1-}'" ;;
    esac
}

# bash reads the whole script before main runs, so a script that was cut off in transit does nothing.
main "$@" </dev/null
