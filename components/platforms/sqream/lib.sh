# shellcheck shell=bash
# Functions for steps with `# uses: sqream`: SQream's package on a host. Each step has the inputs user and package.

# sqream_folder [PACKAGE]: the folder of the unpacked package; if the user is gone, in the home that sqream_package recorded
sqream_folder() {
    local home
    home=$(getent passwd "$(input user)" | cut -d: -f6) || home=$(cat "$(sqream_state home)" 2>/dev/null) || true
    printf '%s/%s\n' "$home" "${1-$(input package)}"
}

# sqream_state NAME: the path of our steps' record NAME. A host has one SQream, since its containers' names are fixed.
sqream_state() { printf '%s/sqream/%s\n' "$GPU_METAL_HOME" "$1"; }

# sqream_installed: the name of the installed package, or nothing
sqream_installed() { cat "$(sqream_state installed)" 2>/dev/null || true; }

# sqream_as COMMAND…: runs COMMAND as the SQream user, with its groups
sqream_as() {
    local user
    user=$(input user)
    setpriv --reuid "$(id -u "$user")" --regid "$(id -g "$user")" --init-groups \
        env -i HOME="$(dirname "$(sqream_folder)")" USER="$user" LOGNAME="$user" PATH="$PATH" "$@"
}

# sqream_installer FLAG…: runs the wanted package's installer, as if the SQream user had called it by sudo
sqream_installer() {
    local user
    user=$(input user)
    (
        umask 022
        cd "$(sqream_folder)" && env SUDO_USER="$user" SUDO_UID="$(id -u "$user")" SUDO_GID="$(id -g "$user")" \
            SUDO_COMMAND=./sqream-install HOME=/root USER=root LOGNAME=root ./sqream-install "$@"
    )
}

# sqream_asked AGREED FLAG…: the same through `asked`, on a terminal where the installer may ask questions
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

# sqream_settings: the KEY=VALUE lines of the installation, as the guide shows them, from the wanted package's installer, or
# from the installed package's if the wanted one is not unpacked yet; nothing if SQream is not installed here. Stops with a
# message if the installer shows a part of them only, or none although SQream is installed by our record or runs.
sqream_settings() {
    local folder said status=0 key lacking=() shown
    folder=$(sqream_folder)
    if [[ ! -x $folder/sqream-install ]]; then folder=$(sqream_folder "$(sqream_installed)"); fi
    # shellcheck disable=SC2016  # expanded there
    said=$(sqream_as bash -c 'cd "$1" && ./sqream-install -s' - "$folder" </dev/null 2>&1) || status=$?
    for key in SQREAM_TAG SQREAM_CONSOLE_TAG SQREAM_EDITOR_TAG SQREAM_VOLUME SQREAM_CONFIG_DIR SQREAM_LOG_DIR LICENSE_VALID; do
        if [[ -z $(sqream_value "$key" <<<"$said") ]]; then lacking+=("$key"); fi
    done
    if ((${#lacking[@]} == 0)); then
        printf '%s\n' "$said"
        return
    fi
    shown=$(grep '[^[:space:]]' <<<"$said" | tail -n 1 | cut -b -300 || true)
    shown="status $status, last line: ${shown:-nothing}"
    # Versions may be those of the package; the storage is known only once SQream was installed.
    if [[ -n $(sqream_value SQREAM_VOLUME <<<"$said") ]]; then
        untrue "sqream-install -s shows an installation without ${lacking[*]} ($shown). Nothing was changed." \
            "Fix: ./sqream-install -s in $folder, as $(input user), shows all of them once what it lacks is mended; then pulumi up"
    elif [[ -n $(sqream_installed) ]]; then
        untrue "sqream-install -s shows no installation ($shown), but $(sqream_installed) was installed here. Nothing was changed." \
            "Fix: mend what ./sqream-install -s says in $folder, as $(input user); or, to install it anew and keep the database:" \
            "rm $(sqream_state installed); then pulumi up"
    elif [[ -n $(docker ps --quiet --filter name=^sqream_ 2>/dev/null || true) ]]; then
        untrue "sqream-install -s shows no installation ($shown), but SQream's containers run here. Nothing was changed." \
            "Fix: mend what ./sqream-install -s says in $folder, as $(input user), or stop them: docker ps --filter name=^sqream_;" \
            "then pulumi up"
    fi
}

# sqream_value KEY: the value of KEY in the settings on stdin
sqream_value() { sed -n "s/^$1=//p" | tail -n 1; }

# sqream_due REASON: records that running services need a restart for the change that is about to be made
sqream_due() {
    if [[ -z $(docker ps --quiet --filter name=^sqream_) ]]; then return; fi
    {
        cat "$(sqream_state due)" 2>/dev/null || true
        printf '%s\n' "$1"
    } | sort -u | write_file "$(sqream_state due)" 0600
}
