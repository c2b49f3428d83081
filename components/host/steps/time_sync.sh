# The clock follows a time server, which answers, and is right to a second.
# rows: H8
#
# The leap status alone says little: it stays "Normal" for hours after the last server has died, and is "Insert second"
# on a day with a leap second, on which the clock is as right as on any other. etcd warns from a second of difference.

_most=1

check() {
    local seen leap offset
    seen=$(chronyc -c tracking) || untrue "has chrony that does not answer. Fix: systemctl status chrony chronyd"
    IFS=, read -r _ _ _ _ offset _ _ _ _ _ _ _ _ leap <<<"$seen"
    if [[ $leap == 'Not synchronised' ]]; then
        untrue "has chrony without a server that it follows ($leap), wants one in sync. $(_to_mend)"
    fi
    # chrony's own number for `local`: an air-gapped site has a time server that follows none.
    if [[ $seen == 7F7F0101,* ]]; then
        remark "has chrony that follows this host's own clock, as the line local of its configuration says"
        return
    fi
    seen=$(_followed)
    if [[ -z $seen ]]; then
        untrue "has chrony that has lost its servers ($leap, and none of them is followed), wants one in sync. $(_to_mend)"
    elif [[ $seen != answers* ]]; then
        untrue "has chrony that follows $seen, which no longer answers, wants one that does. $(_to_mend)"
    fi
    if awk -v offset="$offset" -v most="$_most" 'BEGIN { exit !(offset > most || -offset > most) }'; then
        untrue "has a clock that is $offset s off, wants it within $_most s. Fix: chronyc makestep sets it at once"
    fi
}

_to_mend() { printf 'Fix: chronyc sources shows which answer; UDP port 123 to them must be open\n'; }

# The source that chrony follows: its name, or `answers` if one of its last three questions was answered (the last
# three bits of the register Reach, which is octal)
_followed() {
    chronyc -c sources | awk -F, '$2 == "*" { print (substr($6, length($6)) + 0 ? "answers" : $3) }'
}
