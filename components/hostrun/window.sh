# shellcheck shell=bash
# Maintenance windows, in this host's time. Sourced by lib.sh, and sent with scripts that no runner gave a locale.

# in_window 'DAY HH:MM-HH:MM' WHAT: refuses WHAT outside the window. One that passes midnight counts as its first day's.
in_window() {
    local day from to now today
    [[ $1 =~ ^([A-Za-z]+)\ ([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})$ ]] || untrue "has no window: '$1' is not DAY HH:MM-HH:MM"
    day=${BASH_REMATCH[1]} from=${BASH_REMATCH[2]} to=${BASH_REMATCH[3]}
    now=$(LC_ALL=C date +%H:%M) today=$(LC_ALL=C date +%a)
    if [[ $from < $to ]]; then
        if _is_day "$day" "$today" && [[ $now > $from || $now == "$from" ]] && [[ $now < $to ]]; then return; fi
    elif _is_day "$day" "$today" && [[ $now > $from || $now == "$from" ]]; then
        return
    elif _is_day "$day" "$(LC_ALL=C date -d yesterday +%a)" && [[ $now < $to ]]; then
        return
    fi
    untrue "$2, but only in the window $1: here it is $(LC_ALL=C date '+%a %F %H:%M %Z')." \
        "Fix: pulumi up from $(_opens "$day" "$from") on"
}

_is_day() { [[ $1 == daily || $1 == "$2" ]]; }

_opens() { # DAY HH:MM
    local ahead
    for ahead in 0 1 2 3 4 5 6 7; do
        if ! _is_day "$1" "$(LC_ALL=C date -d "$ahead days" +%a)"; then continue; fi
        if ((ahead > 0)) || [[ $(LC_ALL=C date +%H:%M) < $2 ]]; then
            LC_ALL=C date -d "$ahead days" "+%a %F $2"
            return
        fi
    done
}
