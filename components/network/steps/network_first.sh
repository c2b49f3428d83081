# The site's pod network is the first in /etc/cni/net.d: containerd uses that one for pods, and no other.
# rows: K4
# inputs: file
#
# What another network left there may still be in use by somebody's pods: it is named, not removed.

check() {
    local first
    first=$(_first)
    if [[ -n $first && $first < $(input file) ]]; then
        untrue "containerd gives pods the first network of /etc/cni/net.d, and that is $first, wants $(input file)." \
            "Nothing was changed. Fix: if no pod uses that network any more, mv /etc/cni/net.d/$first /root/"
    fi
}

# By name, of the endings that containerd reads. Multus comes before all others and gives pods the next one.
_first() {
    local file
    if [[ ! -d /etc/cni/net.d ]]; then return; fi
    find /etc/cni/net.d -maxdepth 1 \( -name '*.conf' -o -name '*.conflist' -o -name '*.json' \) -printf '%f\n' |
        LC_ALL=C sort | while read -r file; do
        if ! grep -qsE '"type"\s*:\s*"multus(-shim)?"' "/etc/cni/net.d/$file"; then printf '%s\n' "$file"; fi
    done | sed -n 1p
}
