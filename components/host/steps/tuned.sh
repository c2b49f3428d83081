# tuned runs, also after each boot, with the site's profile active.
# rows: H9
# inputs: profile
#
# tuned sets kernel settings of its own and then those of /etc/sysctl.d again, so the site's sysctl wins.

check() {
    local seen
    if ! systemctl is-enabled -q tuned; then untrue "tuned is not enabled"; fi
    if ! systemctl is-active -q tuned; then untrue "tuned does not run"; fi
    seen=$(_profile)
    if [[ $seen != "$(input profile)" ]]; then untrue "has tuned profile ${seen:-none}, wants $(input profile)"; fi
    if [[ $(cat /etc/tuned/profile_mode 2>/dev/null) == auto ]]; then
        untrue "tuned chooses its profile by itself at each start"
    fi
}

apply() {
    local names
    _remember
    # Linked, not by enable: that reloads systemd, which can cost containers their GPUs.
    if ! systemctl is-enabled -q tuned; then systemctl --no-reload enable tuned; fi
    if ! systemctl is-active -q tuned; then systemctl start tuned; fi
    names=$(tuned-adm list | sed -n 's/^- \([^ ]*\).*/\1/p')
    if ! grep -qxF "$(input profile)" <<<"$names"; then
        untrue "has no tuned profile $(input profile), wants it. Fix: correct tuned to one of: ${names//$'\n'/ }"
    fi
    tuned-adm profile "$(input profile)"
}

undo() {
    local profile active enabled
    if [[ ! -e $GPU_METAL_HOME/tuned-before ]]; then return; fi
    IFS='|' read -r profile active enabled <"$GPU_METAL_HOME/tuned-before"
    if [[ -n $(command -v tuned-adm) ]]; then
        # When turned off, tuned itself restores the former settings.
        if [[ -n $profile ]]; then
            tuned-adm profile "$profile"
        elif systemctl is-active -q tuned; then
            tuned-adm off
        fi
        if [[ $active == no ]]; then systemctl stop tuned; fi
        if [[ $enabled == no ]]; then systemctl --no-reload disable tuned; fi
    fi
    restore /etc/tuned/active_profile
    restore /etc/tuned/profile_mode
    rm -f "$GPU_METAL_HOME/tuned-before"
}

_profile() {
    head -n 1 /etc/tuned/active_profile 2>/dev/null || true
}

_remember() {
    local active=no enabled=no
    if [[ -e $GPU_METAL_HOME/tuned-before ]]; then return; fi
    if systemctl is-active -q tuned; then active=yes; fi
    if systemctl is-enabled -q tuned; then enabled=yes; fi
    keep /etc/tuned/active_profile
    keep /etc/tuned/profile_mode
    printf '%s|%s|%s\n' "$(_profile)" "$active" "$enabled" | write_file "$GPU_METAL_HOME/tuned-before" 0600
}
