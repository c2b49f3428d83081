# The operating system is one that these steps know, and the one that the site declares.
# rows: H3 H16
# inputs: declared kubernetes untested
#
# The RHEL family must be declared: the plan chooses its package sources and engine before it has seen the host.

check() {
    local seen name declared
    seen="$(os_id)-$(os_version)" name=$(_name)
    declared=$(input declared)
    if [[ -n $declared && $declared != "$seen" && $declared != "$name" ]]; then
        untrue "has $seen, wants $declared, as the site declares. Fix: os: $name in the site, or reinstall the host"
    fi
    case $name in
        debian-12 | debian-13 | ubuntu-20.04 | ubuntu-22.04 | ubuntu-24.04) ;;
        rhel-[89] | rocky-[89] | almalinux-[89] | centos-[89] | ol-[89]) ;;
        ubuntu-18.04)
            if [[ $(input kubernetes) == yes ]]; then
                untrue "has $seen, which is too old for Kubernetes, wants $(_known)." \
                    "Fix: reinstall the host, or put it into a site without kubernetes"
            fi
            ;;
        *) _judge_unknown "$seen" ;;
    esac
    if [[ -z $declared && $(os_family) == rhel ]]; then
        untrue "has $seen and the site does not say so, wants it declared. Fix: write os: $name for this host in the site"
    fi
}

# Of the systems whose versions the steps know: any other version, if the site allows what nobody has tried.
_judge_unknown() {
    case $(os_id)-$(os_version) in
        rhel-7* | centos-7* | ol-7*) ;;
        debian-* | ubuntu-* | rhel-* | rocky-* | almalinux-* | centos-* | ol-*)
            if [[ $(input untested no) == yes ]]; then return; fi
            untrue "has $1, wants $(_known)." \
                "Fix: reinstall the host with one of them, or allowUntested: true in the site to try it"
            ;;
    esac
    untrue "has $1, wants $(_known). Fix: reinstall the host with one of them"
}

# As the site writes it: the RHEL family by its first number.
_name() {
    if [[ $(os_family) == rhel ]]; then
        printf '%s-%s' "$(os_id)" "$(os_version | cut -d. -f1)"
    else
        printf '%s-%s' "$(os_id)" "$(os_version)"
    fi
}

_known() {
    printf 'Debian 12 or 13, Ubuntu 20.04, 22.04 or 24.04, or RHEL 8 or 9 or one like it'
}
