# What the CIS benchmark asks of, of this host: lines `argument PROGRAM NAME VALUE` and `file MODE OWNER PATH` (cis.py).
# Of the control plane's programs what they run with, not what is in their manifests; not those of a cluster in pods.

# limits_anonymous FILE: does this AuthenticationConfiguration, YAML or JSON, name the only paths that are answered without
# signing in, or none?
limits_anonymous() {
    sed -E 's/(^|[[:space:]])#.*//' "$1" 2>/dev/null | tr -s ' \n' ' ' |
        grep -qE '["]?anonymous"?: *\{? *(("?enabled"?: *true *,? *)?"?conditions"?: *(-|\[ *\{)|"?enabled"?: *false)'
}

own=$(readlink /proc/self/ns/net)
for program in kube-apiserver kube-controller-manager kube-scheduler etcd; do
    # The kernel keeps 15 characters of a name.
    for process in $(pgrep -x "${program:0:15}"); do
        [ "$(readlink "/proc/$process/ns/net" 2>/dev/null)" = "$own" ] || continue
        tr '\0' '\n' <"/proc/$process/cmdline" | sed -nE "s/^--([^=]+)=(.*)/argument $program \1 \2/p"
        # Its pod sees the file under the path that the host has, too.
        if limits_anonymous "$(tr '\0' '\n' <"/proc/$process/cmdline" | sed -n 's/^--authentication-config=//p')"; then
            printf 'argument %s authentication-config.anonymous.conditions yes\n' "$program"
        fi
    done
done
# Two blanks a level, as kubeadm writes it.
awk '/^ *[A-Za-z0-9]+:/ {
    match($0, /^ */); level = RLENGTH / 2; key = substr($0, RLENGTH + 1); sub(/:.*/, "", key)
    value = $0; sub(/^[^:]*: */, "", value); gsub(/"/, "", value)
    place = level ? above[level - 1] "." key : key; above[level] = place
    if (value != "") print "argument kubelet " place " " value
}' /var/lib/kubelet/config.yaml
find /etc/kubernetes /var/lib/etcd /var/lib/kubelet/config.yaml /etc/systemd/system/kubelet.service* \
    /lib/systemd/system/kubelet.service* /usr/lib/systemd/system/kubelet.service* -maxdepth 3 ! -type l \
    ! -path '/var/lib/etcd/*' -printf 'file %m %u:%g %p\n' 2>/dev/null || true
