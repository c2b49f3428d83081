# The host's time zone is the site's. Running programs keep the former one until they restart.
# rows: H5
# inputs: name

check() {
    local seen
    if [[ ! -f /usr/share/zoneinfo/$(input name) ]]; then
        untrue "has no time zone $(input name), wants it. Fix: correct timezone to one of: timedatectl list-timezones"
    fi
    seen=$(readlink /etc/localtime || true)
    if [[ $seen != */zoneinfo/$(input name) ]]; then
        untrue "has time zone ${seen#*/zoneinfo/}, wants $(input name)"
    fi
    # Debian's record of it, up to 12; some programs read only that.
    if [[ -e /etc/timezone ]] && ! input name | same_file /etc/timezone; then
        untrue "has $(head -n 1 /etc/timezone) in /etc/timezone, wants $(input name)"
    fi
}

apply() {
    if [[ ! -f /usr/share/zoneinfo/$(input name) ]]; then check; fi
    keep /etc/localtime
    ln -sfn "../usr/share/zoneinfo/$(input name)" /etc/.localtime.gpu-metal
    mv -T /etc/.localtime.gpu-metal /etc/localtime
    if [[ -e /etc/timezone ]]; then
        keep /etc/timezone
        input name | write_file /etc/timezone 0644
    fi
}

undo() {
    restore /etc/timezone
    restore /etc/localtime
}
