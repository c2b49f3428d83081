# A user that others made loses its password or its rights as root only if the site says so.
# rows: H4
# inputs: password sudo
# uses: host
#
# password, sudo: the accounts for which the site says nothing of either. A user that account.sh has adopted or made before is
# the site's.

check() {
    local name takes=() fixes=()
    for name in $(input password '') $(input sudo ''); do
        if [[ -e $GPU_METAL_HOME/accounts/user-$name/before ]] || ! getent passwd "$name" >/dev/null; then continue; fi
        if [[ " $(input password '') " == *" $name "* && $(getent shadow "$name" | cut -d: -f2) == [^*!]* ]]; then
            takes+=("its password") fixes+=("passwordSecret: NAME, or null for a login by key only")
        fi
        if [[ " $(input sudo '') " == *" $name "* ]] && _may_become_root "$name"; then
            takes+=("its rights as root") fixes+=("sudo: no, with-password or always")
        fi
        if ((${#takes[@]})); then
            untrue "has a user $name already, made by others, and the site would take $(_joined ' and ' "${takes[@]}") without" \
                "saying so. Fix: say what it shall have under accounts.$name of this host: $(_joined '; and ' "${fixes[@]}")"
        fi
    done
}

_may_become_root() { [[ -n $(root_groups "$1") ]] || sudo_allows "$1" .; }

_joined() { # BETWEEN TEXT…
    local between=$1 text=$2
    shift 2
    while (($#)); do
        text+=$between$1
        shift
    done
    printf '%s' "$text"
}
