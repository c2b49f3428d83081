# There is room on /boot for the files to come: an initramfs, and a kernel if one is to be installed.
# rows: H13 H16
# inputs: kernel

check() {
    local free need
    [[ -d /boot ]] || return 0
    free=$(($(stat -f -c '%a * %S' /boot) / 1000000))
    need=$(_need)
    if ((free < need)); then
        untrue "has $free MB free on /boot, wants $need: an initramfs is rebuilt beside the old one." \
            "Fix: remove old kernels: $(_cleaner)"
    fi
}

# In MB: the size of the largest initramfs there, since the next is hardly smaller; without one, a usual size.
_need() {
    local largest
    largest=$(find /boot -maxdepth 1 -type f \( -name 'initr*' -o -name 'initramfs*' \) -printf '%s\n' | sort -n | tail -n 1)
    # A kernel brings its image, symbols and config: about 20 MB.
    if [[ $(input kernel) == yes ]]; then
        printf '%d\n' $((${largest:-80000000} / 1000000 + 25))
    elif [[ -n $largest ]]; then
        printf '%d\n' $((largest / 1000000 + 5))
    else
        printf '0\n'
    fi
}

_cleaner() {
    case $(os_family) in
        rhel) printf 'dnf remove --oldinstallonly\n' ;;
        *) printf 'apt-get autoremove --purge\n' ;;
    esac
}
