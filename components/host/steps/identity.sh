# The host has a machine-id, and still has the name under which it became a node.
# rows: H18
# inputs: name
#
# The caller compares the facts of all hosts to see that the id is unique. A node cannot be renamed: kubelet,
# certificates and, on a control plane, etcd know it by its name, so another name here means swapped addresses or a
# cloned disk.

check() {
    local id name
    id=
    if [[ -r /etc/machine-id ]]; then read -r id </etc/machine-id || true; fi
    name=$(input name)
    if [[ ! $id =~ ^[0-9a-f]{32}$ ]]; then
        untrue "has ${id:-no} machine-id, wants 32 hexadecimal digits." \
            "Fix: rm -f /etc/machine-id && systemd-machine-id-setup"
    fi
    if [[ -s /var/lib/gpu-metal/ledger/node && $(uname -n) != "$name" ]]; then
        untrue "has been made node $(uname -n), wants to be $name." \
            "Fix: compare the addresses of both in the site; to rename it," \
            "take it out of the site, pulumi up, and add it again"
    fi
}
