# shellcheck shell=bash
# For steps that say `# uses: sqream`: its package on a host. Each has the inputs user and package.

# sqream_folder [PACKAGE]: where it is unpacked. A user that is gone had its home where sqream_package wrote it down.
sqream_folder() {
    local home
    home=$(getent passwd "$(input user)" | cut -d: -f6) || home=$(cat "$(sqream_state home)" 2>/dev/null) || true
    printf '%s/%s\n' "$home" "${1-$(input package)}"
}

# sqream_state NAME: the path of what our steps must remember; one SQream a host, since its containers' names are fixed
sqream_state() { printf '%s/sqream/%s\n' "$GPU_METAL_HOME" "$1"; }

# sqream_installed: the name of the installed package, or nothing
sqream_installed() { cat "$(sqream_state installed)" 2>/dev/null || true; }

# sqream_as COMMAND…: as the SQream user, with its groups
sqream_as() {
    local user
    user=$(input user)
    setpriv --reuid "$(id -u "$user")" --regid "$(id -g "$user")" --init-groups \
        env -i HOME="$(dirname "$(sqream_folder)")" USER="$user" LOGNAME="$user" PATH="$PATH" "$@"
}

# sqream_installer FLAG…: the wanted package's installer, as if the SQream user had called it by sudo
sqream_installer() {
    local user
    user=$(input user)
    (
        umask 022
        cd "$(sqream_folder)" && env SUDO_USER="$user" SUDO_UID="$(id -u "$user")" SUDO_GID="$(id -g "$user")" \
            SUDO_COMMAND=./sqream-install HOME=/root USER=root LOGNAME=root ./sqream-install "$@"
    )
}

# sqream_asked AGREED FLAG…: the same, on a terminal where it may ask, as `asked`
sqream_asked() {
    local user
    user=$(input user)
    # shellcheck disable=SC2016  # expanded there
    asked "$1" env -C "$(sqream_folder)" SUDO_USER="$user" SUDO_UID="$(id -u "$user")" SUDO_GID="$(id -g "$user")" \
        SUDO_COMMAND=./sqream-install HOME=/root USER=root LOGNAME=root \
        bash -c 'umask 022; exec ./sqream-install "$@"' - "${@:2}"
}

# sqream_metadata_question: the regex of the one question that metadataChange may agree to
sqream_metadata_question() { printf '[Mm]etadata.*([Cc]hang|[Aa]pprov|[Uu]pgrad|structure)'; }

# sqream_settings: KEY=VALUE lines of what is installed, as the wanted package's installer shows them, or the installed
# one's where that is not unpacked yet; nothing when nothing is installed
sqream_settings() {
    local folder
    folder=$(sqream_folder)
    if [[ ! -x $folder/sqream-install ]]; then folder=$(sqream_folder "$(sqream_installed)"); fi
    if [[ ! -x $folder/sqream-install ]]; then return; fi
    # shellcheck disable=SC2016  # expanded there
    sqream_as bash -c 'cd "$1" && ./sqream-install -s' - "$folder" </dev/null 2>/dev/null || true
}

# sqream_value KEY: of the settings on stdin
sqream_value() { sed -n "s/^$1=//p" | tail -n 1; }

# sqream_due REASON: what runs now must be started anew before it sees what is about to change
sqream_due() {
    if [[ -z $(docker ps --quiet --filter name=^sqream_) ]]; then return; fi
    {
        cat "$(sqream_state due)" 2>/dev/null || true
        printf '%s\n' "$1"
    } | sort -u | write_file "$(sqream_state due)" 0600
}
