# A host that is a member of a cluster has the version of Kubernetes that the site names.
# rows: K1
# inputs: version

check() {
    local wanted seen
    wanted=$(input version)
    if [[ ! -s /etc/kubernetes/kubelet.conf ]]; then return 0; fi
    seen=$(dpkg-query -W -f '${Version}' kubelet) || return 0
    if [[ ${seen%%-*} != "$wanted" ]]; then
        untrue "this member runs Kubernetes ${seen%%-*}, wants $wanted; a running cluster is upgraded node by node," \
            "not by its packages. Nothing was changed. Fix: put ${seen%%-*} back as kubernetes.version"
    fi
}
