# shellcheck shell=bash
# Packages on Debian and Ubuntu.

# apt_get ARGS…: asks nothing, waits for another package tool, keeps changed settings, restarts no service on its own.
apt_get() {
    # A power cut inside dpkg leaves these; apt then refuses to do anything.
    if compgen -G '/var/lib/dpkg/updates/[0-9]*' >/dev/null; then
        (umask 022 && DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a) || return
    fi
    # Packages' scripts make files that others must read.
    (
        umask 022
        export DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none UCF_FORCE_CONFFOLD=1
        export NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1
        exec apt-get --yes --quiet -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
            -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@"
    )
}

# pkg_update: reads the package lists
pkg_update() { apt_get update; }

# pkg_install NAME[=VERSION]…
pkg_install() { apt_get install --no-install-recommends -- "$@"; }

# pkg_version NAME: the installed version; empty when it is not installed
pkg_version() {
    local state
    state=$(dpkg-query --show --showformat='${db:Status-Status} ${Version}' -- "$1" 2>/dev/null) || return 0
    [[ $state != installed\ * ]] || printf '%s\n' "${state#* }"
}

# pkg_installed NAME [VERSION]: installed and configured, in this exact version if one is given?
pkg_installed() {
    local version
    version=$(pkg_version "$1")
    [[ -n $version && ($# -lt 2 || $version == "$2") ]]
}

# pkg_hold NAME… / pkg_unhold NAME… / pkg_held NAME: kept at its version?
pkg_hold() { apt-mark hold -- "$@"; }
pkg_unhold() { apt-mark unhold -- "$@"; }
pkg_held() { [[ -n $(apt-mark showhold -- "$1") ]]; }

# pkg_purge NAME…: with its settings, held or not; what is not installed is passed over
pkg_purge() {
    local name there=()
    for name in "$@"; do
        ! dpkg-query --show -- "$name" >/dev/null 2>&1 || there+=("$name")
    done
    [[ ${#there[@]} -eq 0 ]] || apt_get purge --allow-change-held-packages -- "${there[@]}"
}
