# A host that is a member of a cluster has the version of Kubernetes that the site names.
# rows: K1
# inputs: version
#
# Where no package has the kubelet, as with some installers, the kubelet itself prints its version. A member without a
# kubelet gets the site's version: it has none to be compared with.

check() {
    local wanted seen
    wanted=$(input version)
    if [[ ! -s /etc/kubernetes/kubelet.conf ]]; then return 0; fi
    seen=$(_seen)
    if [[ -n $seen && $seen != "$wanted" ]]; then
        untrue "this member runs Kubernetes $seen, wants $wanted; a running cluster is upgraded node by node," \
            "not by its packages. Nothing was changed. Fix: put $seen back as kubernetes.version"
    fi
}

_seen() {
    local package
    package=$(pkg_version kubelet)
    if [[ -n $package ]]; then
        printf '%s\n' "${package%%-*}"
    elif command -v kubelet >/dev/null; then
        kubelet --version | sed -n 's/^Kubernetes v//p'
    fi
}
