# A kernel package is installed and held, and its kernel runs, or will after a reboot that is due.
# rows: H13 G8
# inputs: package
#
# undo only releases the hold, if it is ours: the package stays, since the host may run its kernel.

_held=$GPU_METAL_HOME/kernel-held # the name of the package that we hold

check() {
    local wanted
    if ! pkg_right "$(input package)"; then untrue "has no $(input package)"; fi
    if ! pkg_held "$(_name)"; then untrue "$(_name) is not held at its version"; fi
    wanted=$(_wanted)
    if [[ -z $wanted ]]; then untrue "$(_name) brings no kernel. Fix: name the package of a kernel in kernel.package"; fi
    if [[ $(uname -r) != "$wanted" ]] && ! is_reboot_due "$(_reason "$wanted")"; then
        untrue "runs Linux $(uname -r), wants $wanted of $(_name)"
    fi
}

apply() {
    local wanted
    _let_go "$(_name)"
    # Before the installation, which may lift a hold.
    if ! pkg_held "$(_name)"; then _name | write_file "$_held" 0600; fi
    if ! pkg_right "$(input package)"; then
        pkg_update
        pkg_install "$(input package)"
    fi
    if ! pkg_held "$(_name)"; then pkg_hold "$(_name)"; fi
    wanted=$(_wanted)
    if [[ -n $wanted && $(uname -r) != "$wanted" ]]; then reboot_due "$(_reason "$wanted")"; fi
}

undo() {
    _let_go ''
}

# _let_go NAME: releases the package that we hold, unless it is NAME
_let_go() {
    local name
    name=$(cat "$_held" 2>/dev/null || true)
    if [[ -z $name || $name == "$1" ]]; then return; fi
    if pkg_held "$name"; then pkg_unhold "$name"; fi
    rm -f "$_held"
}

_name() { input package | cut -d = -f 1; }

_reason() { printf 'Linux %s of %s is installed, %s runs\n' "$1" "$(_name)" "$(uname -r)"; }

# The release, as uname says it, of the newest kernel that the package is or needs
_wanted() {
    case $(os_family) in
        rhel) rpm -q --last -- "$(_name)" | head -n 1 | sed -E "s/^$(_name)-(\\S+).*/\\1/" ;;
        *) _release "$(_name)" ;;
    esac
}

# linux-generic-hwe-22.04 needs linux-image-generic-hwe-22.04, which needs linux-image-6.8.0-60-generic.
_release() {
    local package=$1
    for _ in 1 2 3; do
        if [[ $package =~ ^linux-image-(unsigned-)?([0-9].*)$ ]]; then
            printf '%s\n' "${BASH_REMATCH[2]}"
            return
        fi
        package=$(dpkg-query -W -f '${Pre-Depends}, ${Depends}' -- "$package" | grep -oE 'linux-image-[^ ,|(:]+' |
            head -n 1) || return 0
    done
}
