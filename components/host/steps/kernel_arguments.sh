# The kernel's command line has these arguments, or will have them after a reboot that is due.
# rows: H13 H19
# inputs: arguments
#
# If the boot loader is not GRUB, as on hosts that boot from the network, they are only checked.

_dropin=/etc/default/grub.d/gpu-metal.cfg

check() {
    local loader missing
    loader=$(_loader)
    missing=$(_missing_in "$(</proc/cmdline)")
    if [[ -z $loader && -n $missing ]]; then _by_hand "$missing"; fi
    if [[ -n $loader ]]; then "_check_$loader"; fi
    if [[ -n $missing ]] && ! is_reboot_due "$(_reason)"; then
        untrue "runs without $missing on the kernel's command line"
    fi
}

apply() {
    local loader
    loader=$(_loader)
    if [[ -z $loader ]]; then _by_hand "$(input arguments)"; fi
    "_apply_$loader"
    _not_wanted "$(_dropped)"
    if [[ -n $(_missing_in "$(</proc/cmdline)") ]]; then reboot_due "$(_reason)"; fi
}

undo() {
    case $(_loader) in
        grub)
            restore "$_dropin"
            update-grub
            ;;
        grubby) grubby --update-kernel=ALL --remove-args="$(input arguments)" ;;
    esac
    _not_wanted "$(input arguments)"
}

# _not_wanted ARGUMENTS: notes a reboot as due for each one with which the kernel still runs
_not_wanted() {
    local argument
    for argument in $1; do
        if [[ " $(</proc/cmdline) " == *" $argument "* ]]; then
            reboot_due "the kernel runs with $argument, which the site no longer has"
        fi
    done
}

_by_hand() {
    untrue "has no $1 on the kernel's command line, and no GRUB (update-grub, grubby) to set it." \
        "Fix: add it to what starts this host, then reboot it"
}

_loader() {
    if [[ $(os_family) == rhel ]] && command -v grubby >/dev/null; then
        printf 'grubby\n'
    elif command -v update-grub >/dev/null; then
        printf 'grub\n'
    fi
}

_reason() { printf 'the kernel runs without %s\n' "$(input arguments)"; }

# _missing_in COMMAND-LINE: the first argument that is not on it
_missing_in() {
    local argument
    for argument in $(input arguments); do
        if [[ " $1 " != *" $argument "* ]]; then
            printf '%s\n' "$argument"
            return
        fi
    done
}

_wanted() {
    printf '# gpu-metal\n'
    # shellcheck disable=SC2016  # GRUB's shell expands it
    printf 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX %s"\n' "$(input arguments)"
}

_check_grub() {
    if ! _wanted | same_file "$_dropin"; then untrue "$_dropin is not what kernel.arguments says"; fi
    if ! grep -qsF -- "$(input arguments)" /boot/grub/grub.cfg; then
        untrue "/boot/grub/grub.cfg lacks $(input arguments)"
    fi
}

_apply_grub() {
    keep "$_dropin"
    _wanted | write_file "$_dropin" 0644
    update-grub
}

_check_grubby() {
    local there argument missing
    there=$(grubby --info=DEFAULT | sed -n 's/^args="\(.*\)"$/\1/p')
    missing=$(_missing_in "$there")
    if [[ -n $missing ]]; then untrue "GRUB's default entry has no $missing"; fi
    for argument in $(_dropped); do
        if [[ " $there " == *" $argument "* ]]; then untrue "GRUB's default entry still has $argument"; fi
    done
}

_apply_grubby() {
    local dropped
    dropped=$(_dropped)
    grubby --update-kernel=ALL --args="$(input arguments)" ${dropped:+--remove-args="$dropped"}
}

# Arguments that the site had before and no longer has
_dropped() {
    local argument dropped=()
    for argument in $(previous arguments); do
        [[ " $(input arguments) " == *" $argument "* ]] || dropped+=("$argument")
    done
    printf '%s\n' "${dropped[*]}"
}
