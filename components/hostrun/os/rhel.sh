# shellcheck shell=bash
# Packages on RHEL and its like, by dnf.

_locks=/etc/dnf/plugins/versionlock.list

# dnf_run ARGS…: asks nothing, waits for another package tool; status 75 when the other tool does not end
dnf_run() {
    _wait_for_dnf "${GPU_METAL_LOCK_WAIT:-300}" || return
    # Packages' scripts create files that other users must be able to read.
    (umask 022 && exec dnf -y "$@")
}

# dnf itself would wait for ever.
_wait_for_dnf() { # SECONDS
    local ends=$((SECONDS + $1)) file pid
    while true; do
        for file in /var/cache/dnf/*.pid /var/lib/dnf/*.pid; do
            pid=$(cat "$file" 2>/dev/null) && [[ -n $pid && -d /proc/$pid ]] && break
            pid=''
        done
        [[ -n $pid ]] || return 0
        ((SECONDS < ends)) || break
        pkg_waits "$pid"
        sleep 2
    done
    pkg_waited "$1" "$pid"
    return 75
}

# pkg_update: reads the package lists · pkg_unread: has this host none yet? dnf reads those that it lacks by itself.
pkg_update() { dnf_run -q makecache; }
pkg_unread() { false; }

# pkg_install NAME[=VERSION]…: a version may be a glob
pkg_install() {
    local word held=()
    for word in "$@"; do
        ! pkg_held "${word%%=*}" || held+=("${word%%=*}")
    done
    [[ ${#held[@]} -eq 0 ]] || pkg_unhold "${held[@]}" || return
    # As apt does: skip recommended packages, and remove conflicting ones.
    dnf_run install --setopt=install_weak_deps=False --allowerasing -- "${@/=/-}"
}

# pkg_version NAME: the installed version; empty when it is not installed. Of a kernel there may be several, one a line.
pkg_version() { rpm -q --qf '%{VERSION}-%{RELEASE}\n' -- "$1" 2>/dev/null | grep -v ' is not installed$' || true; }

# pkg_see NAME…: the versions of all that are installed, into the table pkg_seen
pkg_see() {
    local name
    # shellcheck disable=SC2034  # whoever asks declares it
    for name in "$@"; do pkg_seen["$name"]=$(pkg_version "$name"); done
}

# pkg_right NAME[=VERSION] [SEEN]: is it installed, in that version? A version may be a glob, with or without epoch,
# release and architecture. SEEN: what pkg_see saw
pkg_right() {
    local seen wanted='*' form forms
    if [[ $1 != *=* && -n ${2-} ]]; then return; fi
    [[ $1 != *=* ]] || wanted=${1#*=}
    forms='%{VERSION}\n%{VERSION}-%{RELEASE}\n%{VERSION}-%{RELEASE}.%{ARCH}\n%{EPOCHNUM}:%{VERSION}-%{RELEASE}\n'
    seen=$(rpm -q --qf "$forms" -- "${1%%=*}" 2>/dev/null) || return
    while read -r form; do
        # shellcheck disable=SC2053  # a glob is meant
        [[ $form != $wanted ]] || return 0
    done <<<"$seen"
    return 1
}

# pkg_list: the names of all that is installed, sorted; rpm keeps keys as packages
pkg_list() { rpm -qa --qf '%{NAME}\n' | sed '/^gpg-pubkey$/d' | sort -u; }

# pkg_auto: those installed only as dependencies, sorted · pkg_mark_auto NAME… / pkg_mark_asked NAME…: marks installed
# packages as dependencies, or as asked for
pkg_auto() {
    local asked
    asked=$(_asked_for) || return
    comm -23 <(pkg_list) - <<<"$asked"
}
pkg_mark_auto() { dnf -q -y mark remove "$@"; }
pkg_mark_asked() { dnf -q -y mark install "$@"; }

_asked_for() {
    _wait_for_dnf "${GPU_METAL_LOCK_WAIT:-300}" || return
    dnf -q --disablerepo='*' repoquery --userinstalled --qf '%{name}' | sort -u
}

# pkg_unneeded: those packages of stdin that nobody asked for and no other package needs
pkg_unneeded() {
    local names asked said needed
    asked=$(_asked_for) || return
    names=$(comm -23 - <(printf '%s\n' "$asked"))
    while [[ -n $names ]]; do
        # rpm names what other packages would miss: keep the packages that provide it, and test again.
        if said=$(xargs rpm -e --test --allmatches <<<"$names" 2>&1); then break; fi
        needed=$(sed -nE 's/^\s+(\S+)( [<>=]+ \S+)? is needed by .*/\1/p' <<<"$said" | sort -u |
            xargs -r rpm -q --qf '%{NAME}\n' --whatprovides 2>/dev/null | sort -u | comm -12 - <(printf '%s\n' "$names"))
        # If rpm's answer names no provider among them, keep them all.
        if [[ -z $needed ]]; then return; fi
        names=$(comm -23 <(printf '%s\n' "$names") <(printf '%s\n' "$needed"))
    done
    [[ -z $names ]] || printf '%s\n' "$names"
}

# pkg_fits NAME: can it be installed without removing another package?
pkg_fits() {
    local plan
    plan=$(dnf --assumeno install -- "$1" 2>&1 || true)
    # When dnf finds no solution, it never reaches its question.
    grep -E '^(Operation aborted|Exiting on user command)' <<<"$plan" >/dev/null &&
        ! grep '^Removing' <<<"$plan" >/dev/null
}

# pkg_dependents NAME…: those packages, and all that would leave with them, sorted
pkg_dependents() {
    local names said more
    names=$(printf '%s\n' "$@" | sort -u)
    until said=$(xargs rpm -e --test --allmatches <<<"$names" 2>&1); do
        more=$(sed -nE 's/.* is needed by \(installed\) (.*)-[^-]+-[^-]+$/\1/p' <<<"$said" | sort -u)
        more=$(comm -13 <(printf '%s\n' "$names") <(printf '%s\n' "$more"))
        [[ -n $more ]] || break
        names=$(printf '%s\n%s\n' "$names" "$more" | sort -u)
    done
    printf '%s\n' "$names"
}

# pkg_removes NAME[=VERSION]…: what their installation would remove, sorted; fails when they cannot be installed
pkg_removes() {
    local plan
    plan=$(dnf --assumeno install --setopt=install_weak_deps=False --allowerasing -- "${@/=/-}" 2>&1 || true)
    # When dnf finds no solution, it never reaches its question.
    grep -E '^(Operation aborted|Exiting on user command)' <<<"$plan" >/dev/null || return
    awk '
        /^[A-Z]/ { removing = /^Removing/ }
        removing && /^ [^ ]/ { print $1 }
        $1 == "replacing" { sub(/\.[^.]*$/, "", $2); print $2 }
    ' <<<"$plan" | sort -u | comm -12 - <(pkg_list)
}

# pkg_hold NAME… / pkg_unhold NAME… / pkg_held NAME: kept at its version? By the plugin of the term @hold.
pkg_hold() { dnf_run -q versionlock add -- "$@"; }
pkg_unhold() { dnf_run -q versionlock delete -- "$@"; }
pkg_held() {
    # NAME-EPOCH:VERSION-RELEASE.*
    local line
    [[ -f $_locks ]] || return 1
    while read -r line; do
        line=${line%%:*}
        [[ ${line%-*} != "$1" ]] || return 0
    done <"$_locks"
    return 1
}

# pkg_purge NAME…: removes packages with their settings, also held ones; skips those that are not installed
pkg_purge() {
    local name there=() settings=() file
    for name in "$@"; do
        ! rpm -q -- "$name" >/dev/null 2>&1 || there+=("$name")
    done
    [[ ${#there[@]} -gt 0 ]] || return 0
    mapfile -t settings < <(rpm -qc -- "${there[@]}" | grep '^/' | while read -r file; do
        [[ -e $file.rpmsave ]] || printf '%s\n' "$file"
    done)
    dnf_run remove --setopt=clean_requirements_on_remove=False -- "${there[@]}" || return
    for file in "${settings[@]}"; do
        rm -f -- "$file.rpmsave"
    done
}

# pkg_unfinished: packages that an interrupted run left half-installed · pkg_repair: the command that mends them
pkg_unfinished() {
    # dnf ends with 1 when it names any.
    { dnf -q --disablerepo='*' check --duplicates 2>/dev/null || true; } | awk '/ is a duplicate with / { print $1 }'
}
pkg_repair() { echo 'dnf remove --duplicates'; }

# fetch_file URL PATH: through the proxy that the host's environment names
fetch_file() {
    (
        set -a
        # shellcheck source=/dev/null
        . <(grep -iE '^(http|https|ftp|no)_proxy=' /etc/environment 2>/dev/null || true)
        exec curl --fail --silent --show-error --location --retry 3 --output "$2" -- "$1"
    )
}

# Oracle's own kernel has a name of its own.
_fill_family() {
    local uek=''
    [[ $(uname -r) != *uek* ]] || uek=-uek
    REPLY=${REPLY//'{uek}'/$uek}
}
