# Traffic between pods of this node passes the rules of network policies.
# rows: K4
#
# Without that, a policy holds only between nodes. The rules themselves are kube-router's, which runs as a pod; undo takes
# those away that it has left.

check() {
    local seen
    seen=$(sysctl -n net.bridge.bridge-nf-call-iptables 2>/dev/null || printf 'not there')
    if [[ $seen != 1 ]]; then
        untrue "net.bridge.bridge-nf-call-iptables is $seen, wants 1: a pod of this node would reach each other one here."
    fi
}

apply() {
    modprobe br_netfilter 2>/dev/null || true
    sysctl -qw net.bridge.bridge-nf-call-iptables=1
}

undo() {
    local end=$((SECONDS + 60)) family
    while pgrep -x kube-router >/dev/null && ((SECONDS < end)); do sleep 1; done
    for family in iptables ip6tables; do
        if command -v "$family" >/dev/null; then _forget "$family"; fi
    done
    if command -v ipset >/dev/null; then
        ipset list -n | grep -E '^(inet6:)?KUBE-(SRC|DST|NWPLCY)-|^(inet6:)?kube-router-' | xargs -rn 1 ipset destroy || true
    fi
}

# First the jumps to its chains, then what is in them, then they themselves.
_forget() {
    local family=$1 ours='KUBE-(ROUTER|POD-FW|NWPLCY)-[A-Za-z0-9-]+' rules rule chains chain words
    rules=$("$family" -w -S)
    chains=$(sed -nE "s/^-N ($ours)$/\1/p" <<<"$rules")
    while read -r rule; do
        mapfile -t words < <(xargs printf '%s\n' <<<"${rule/#-A/-D}")
        "$family" -w "${words[@]}"
    done < <(grep -E -- "^-A (INPUT|FORWARD|OUTPUT) .*-j $ours" <<<"$rules")
    for chain in $chains; do "$family" -w -F "$chain"; done
    for chain in $chains; do "$family" -w -X "$chain"; done
}
