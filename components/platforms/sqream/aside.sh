# shellcheck shell=bash
# ask|stop PACKAGE WINDOW, sent after hostrun/window.sh: `ask` fails if this host's workers of another version than PACKAGE
# may not stop now; `stop` stops them and keeps them stopped, at boot too, until this host has PACKAGE. A host without such
# workers does nothing.

untrue() {
    printf '%s\n' "$*" >&2
    exit 10
}

main() {
    local hold=/etc/gpu-metal-sqream/hold state installed
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
    [[ -x /usr/local/sbin/gpu-metal-sqream ]] || return 0
    state=$(sed -n 's/^state=//p' /etc/gpu-metal-sqream/settings)
    installed=$(cat "$state/installed" 2>/dev/null) || return 0
    [[ $installed != "$2" ]] || return 0
    if [[ $1 == ask ]]; then
        if [[ -n $3 && ! -e $hold ]]; then in_window "$3" "workers of $installed must stop for $2"; fi
        return
    fi
    if [[ ! -e $hold ]]; then
        printf 'package=%s\nfrom=%s\nsince=%s\n' "$2" "$installed" "$(date '+%F %H:%M')" >"$hold.new"
        sync "$hold.new"
        mv "$hold.new" "$hold"
    fi
    gpu-metal-sqream stop-all || untrue "its workers of $installed could not be stopped. Fix: systemctl status" \
        "'gpu-metal-sqream*' there; then pulumi up"
}

main "$@" </dev/null
exit
