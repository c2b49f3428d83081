# The containerd that this host has, or gets from its package source, gives pods devices in the way that the site uses.
# rows: C5 O1 O3
# inputs: package least way
#
# One that is older starts pods without their devices and says nothing. Where the source is not there yet, nobody knows
# the version: Docker's own has none that is too old.

check() {
    local seen
    seen=$(_has)
    if [[ -z $seen || $(printf '%s\n' "$(input least)" "$seen" | sort -V | head -n 1) == "$(input least)" ]]; then return; fi
    untrue "has the package $(input package) $seen, which ignores $(_way), so that pods get no GPU, wants $(input least) or" \
        "later. Fix: write engine: {} in the site for Docker's build, or $(_other)"
}

# The version without Debian's epoch and revision: of the package that is installed, else of the one that would be
_has() {
    if [[ $(os_family) == rhel ]]; then
        rpm -q --qf '%{VERSION}' "$(input package)" 2>/dev/null || true
        return
    fi
    {
        dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$(input package)" 2>/dev/null | sed -n 's/^installed //p' || true
        apt-cache policy "$(input package)" 2>/dev/null | sed -n 's/^ *Candidate: //p'
    } | sed -nE 's/^([0-9]+:)?([0-9]+(\.[0-9]+)+).*/\2/p' | head -n 1
}

_way() {
    if [[ $(input way) == nri ]]; then echo 'the NRI plugin of the toolkit'; else echo 'the CDI names of devices'; fi
}

_other() {
    if [[ $(input way) == nri ]]; then echo 'take nri away'; else echo 'gpu.toolkit: {mode: legacy} on hosts with GPUs'; fi
}
