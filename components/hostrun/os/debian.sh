# shellcheck shell=bash
# Packages on Debian and Ubuntu.

# apt_get ARGS…: asks nothing, waits for another package tool, keeps changed settings, restarts no service on its own.
# Status 75 when the other tool does not end.
apt_get() {
    local log=$GPU_METAL_RUN/apt.$BASHPID wait ends status=0
    wait=$(apt-config dump --format '%v' DPkg::Lock::Timeout) # the operator's own, if he has one
    wait=${wait:-300}
    ends=$((SECONDS + wait))
    # apt itself waits for dpkg's lock, silently, but not for the lock of the package lists.
    until _say_who_is_first && _apt_get "$wait" "$@" 2>&1 | tee "$log"; do
        status=1
        if ! grep -E "$_apt_locked" "$log" >/dev/null || ((SECONDS >= ends)); then break; fi
        status=0
        sleep 2
    done
    if ((status)) && _say_who_holds "$wait" <"$log"; then status=75; fi
    rm -f "$log"
    return "$status"
}

_apt_locked='Could not get lock|was locked by another process|Unable to (lock|acquire the dpkg frontend lock)'

_apt_get() { # SECONDS ARGS…
    # A power cut during dpkg leaves these files; apt then refuses to do anything.
    if compgen -G '/var/lib/dpkg/updates/[0-9]*' >/dev/null; then
        (umask 022 && DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a) || return
    fi
    # Packages' scripts create files that other users must be able to read.
    (
        umask 022
        export DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none UCF_FORCE_CONFFOLD=1
        export NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1
        exec apt-get --yes --quiet -o "DPkg::Lock::Timeout=$1" -o Acquire::Retries=3 \
            -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "${@:2}"
    )
}

# Tells the operator which program holds one of apt's locks now
_say_who_is_first() {
    local fd path
    while read -r fd; do
        path=$(readlink "$fd" || true)
        # A container has files of the same names.
        if [[ -n $path && $fd -ef $path ]] && grep -q '^lock:' "${fd/\/fd\//\/fdinfo\/}" 2>/dev/null; then
            fd=${fd#/proc/}
            pkg_waits "${fd%%/*}"
            return
        fi
    done < <(find /proc/[0-9]*/fd '(' -lname /var/lib/dpkg/lock -o -lname /var/lib/dpkg/lock-frontend -o \
        -lname /var/lib/apt/lists/lock -o -lname /var/cache/apt/archives/lock ')' 2>/dev/null)
}

# Prints who holds the lock, from the output of apt and dpkg on stdin; status 1 when their fault was another one.
_say_who_holds() { # SECONDS
    local said holder='' pid=''
    said=$(grep -E "$_apt_locked") || return
    if [[ $said =~ process\ ([0-9]+)\ \(([^\)]*)\) ]]; then
        pid=${BASH_REMATCH[1]} holder=${BASH_REMATCH[2]}
    elif [[ $said =~ process\ with\ pid\ ([0-9]+) ]]; then
        pid=${BASH_REMATCH[1]}
    fi
    pkg_waited "$1" "$pid" "$holder"
}

# pkg_update: reads the package lists · pkg_unread: has this host none yet, as after its installation?
pkg_update() { apt_get update; }
pkg_unread() { ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; }

# pkg_install NAME[=VERSION]…: a version may be a glob
pkg_install() {
    apt_get install --no-install-recommends --fix-broken --allow-change-held-packages --allow-downgrades \
        -o APT::Keep-Downloaded-Packages=false -- "$@"
}

# pkg_version NAME: the installed version; empty when it is not installed
pkg_version() {
    local -A pkg_seen=()
    pkg_see "$1"
    if [[ -n ${pkg_seen[$1]-} ]]; then printf '%s\n' "${pkg_seen[$1]}"; fi
}

# pkg_see NAME…: the versions of all that are installed, into the table pkg_seen
pkg_see() {
    local state package architecture version
    while IFS=$'\t' read -r state package architecture version; do
        if [[ $state != installed ]]; then continue; fi
        # dpkg-query prints one line for each installed architecture.
        pkg_seen[$package]=${pkg_seen[$package]-$version}
        pkg_seen["$package:$architecture"]=$version
    done < <(dpkg-query --show --showformat='${db:Status-Status}\t${Package}\t${Architecture}\t${Version}\n' -- "$@" 2>/dev/null)
}

# pkg_right NAME[=VERSION] [SEEN]: is it installed, in that version? A version may be a glob. SEEN: what pkg_see saw
pkg_right() {
    local seen=${2-} wanted='*'
    [[ $# -gt 1 ]] || seen=$(pkg_version "${1%%=*}")
    [[ $1 != *=* ]] || wanted=${1#*=}
    # shellcheck disable=SC2053  # a glob is meant
    [[ -n $seen && $seen == $wanted ]]
}

# pkg_list: the names of all that is installed, sorted
pkg_list() { dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u; }

# pkg_auto: those installed only as dependencies, sorted · pkg_mark_auto NAME… / pkg_mark_asked NAME…: marks installed
# packages as dependencies, or as asked for. `apt-mark showauto` reads the same file, and all package lists before it.
pkg_auto() {
    if [[ ! -e $_apt_marks ]]; then return; fi
    dpkg-query -W -f '${db:Status-Status} ${Package} ${Architecture}\n' | awk '
        NR == FNR { if ($1 == "installed") there[$2, $3] = 1; next }
        $1 == "Package:" { package = $2; architecture = "" }
        $1 == "Architecture:" { architecture = $2 }
        $1 == "Auto-Installed:" && $2 == 1 && ((package, architecture) in there || (package, "all") in there) { print package }
    ' - "$_apt_marks" | sort -u
}
_apt_marks=/var/lib/apt/extended_states
pkg_mark_auto() { apt-mark auto -- "$@"; }
pkg_mark_asked() { apt-mark manual -- "$@"; }

# pkg_unneeded [--last]: those packages of stdin that nobody asked for and no other package depends on; Recommends and
# Suggests do not count. apt keeps every provider of a needed thing (gawk beside mawk): with --last, tries to remove
# each package by itself, and names it if only packages of stdin would go with it.
pkg_unneeded() {
    local names name found gone
    names=$(cat)
    found=$(apt-get -s -qq autoremove -o APT::AutoRemove::RecommendsImportant=false \
        -o APT::AutoRemove::SuggestsImportant=false | _removed | comm -12 - <(printf '%s\n' "$names"))
    {
        printf '%s\n' "$found"
        for name in $([[ ${1-} != --last ]] || comm -12 <(pkg_auto) <(printf '%s\n' "$names") |
            comm -23 - <(printf '%s\n' "$found")); do
            gone=$(apt-get -s -qq remove -- "$name" | _removed)
            if [[ -z $(comm -23 <(printf '%s\n' "$gone") <(printf '%s\n' "$names")) ]]; then printf '%s\n' "$gone"; fi
        done
    } | sed '/^$/d' | sort -u
}

# The packages that a simulation of apt-get would remove, sorted
_removed() { awk '$1 == "Remv" { sub(":.*", "", $2); print $2 }' | sort -u; }

# pkg_fits NAME: can it be installed without removing another package?
pkg_fits() {
    local plan
    plan=$(apt-get -s -qq install --no-install-recommends -- "$1") && [[ $'\n'$plan != *$'\n'Remv* ]]
}

# pkg_dependents NAME…: those packages, and all that would leave with them, sorted
pkg_dependents() { apt-get -s -qq remove --allow-change-held-packages -- "$@" | _removed; }

# pkg_removes NAME[=VERSION]…: what their installation would remove, sorted; fails when they cannot be installed
pkg_removes() {
    local plan
    plan=$(apt-get -s -qq install --no-install-recommends --allow-change-held-packages --allow-downgrades -- "$@") || return
    _removed <<<"$plan"
}

# pkg_hold NAME… / pkg_unhold NAME… / pkg_held NAME: kept at its version?
pkg_hold() { apt-mark hold -- "$@"; }
pkg_unhold() { apt-mark unhold -- "$@"; }
pkg_held() { [[ $(dpkg-query --show --showformat='${db:Status-Want} ' -- "$1" 2>/dev/null) == *hold* ]]; }

# pkg_purge NAME…: removes packages with their settings, also held ones; skips those that are not installed
pkg_purge() {
    local name known there=()
    known=" $(dpkg-query --show --showformat='${Package} ' -- "$@" 2>/dev/null || true)"
    for name in "$@"; do
        [[ $known != *" $name "* ]] || there+=("$name")
    done
    [[ ${#there[@]} -eq 0 ]] || apt_get purge --allow-change-held-packages -- "${there[@]}"
}

# pkg_unfinished: packages that an interrupted run left half-installed · pkg_repair: the command that mends them
pkg_unfinished() {
    local said
    said=$(dpkg --audit) || return
    if [[ -n $said ]]; then awk '/^ / { print $1 }' <<<"$said"; fi
}
pkg_repair() { printf '%s\n' 'dpkg --configure -a && apt-get --fix-broken install'; }

# fetch_file URL PATH: apt's own client, which knows the host's proxy and certificates and is always there
fetch_file() { /usr/lib/apt/apt-helper download-file "$1" "$2"; }

# Headers of kernels to come: one package for each kernel package that follows the newest, such as linux-image-amd64.
_fill_family() {
    local name next=''
    if [[ $REPLY == *'{next-headers}'* ]]; then
        for name in $(pkg_list | grep -E '^linux-image-[a-z]' | grep -vE '^linux-image-(unsigned|uc)-|-dbg$'); do
            next+=" ${name/image/headers}"
        done
        REPLY=${REPLY//'{next-headers}'/$next}
    fi
}
