# The operating system is one that these steps know, and the declared one where the site declares it.
# inputs: declared

check() {
    local seen declared
    seen="$(os_id)-$(os_version)"
    declared=$(input declared)
    if [[ -n $declared && $declared != "$seen" ]]; then
        untrue "has $seen, wants $declared, as the site declares. Fix: os: $seen in the site, or reinstall the host"
    fi
    case $seen in
        debian-12 | debian-13 | ubuntu-22.04 | ubuntu-24.04) ;;
        *) untrue "has $seen, wants debian 12 or 13, ubuntu 22.04 or 24.04. Fix: reinstall the host with one of them" ;;
    esac
}
