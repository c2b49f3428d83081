#!/usr/bin/env bash
# Another authority for a cluster that runs: what docs/how-to/authority.md does on each host, as root.
# usage: bash -s make              on one control plane: makes it, in /root/authority
#        bash -s trust | sign | end on every host, one after the other: all hosts one word, then all the next
# Nothing is signed by the new one before all trust it, and the old one is trusted until nothing is signed by it any more.
set -euo pipefail
shopt -s inherit_errexit nullglob
umask 077

folder=/root/authority
pki=/etc/kubernetes/pki
manifests=/etc/kubernetes/manifests
kubelet=/var/lib/kubelet/pki

make() {
    if [[ -e $folder ]]; then refuse "$folder is there: another change of the authority has begun. Fix: end it, or delete the folder"; fi
    mkdir $folder
    cp $pki/ca.crt $folder/old.crt
    # Another name than the old one's tells their certificates apart.
    openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -subj "/CN=kubernetes-$(date -u +%Y%m%d)" \
        -addext keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign -keyout $folder/new.key -out $folder/new.crt 2>/dev/null
}

trust() {
    need
    trusted $folder/old.crt $folder/new.crt
    if is_plane; then
        # The controller manager signs by a file with one certificate, and trusts by one with both.
        cp $folder/old.crt $pki/signing.crt
        cp $pki/ca.key $pki/signing.key
        signs_by signing
    fi
    in_use
}

sign() {
    need
    if is_plane; then
        # The first of them is the one that kubeadm signs by.
        trusted $folder/new.crt $folder/old.crt
        cp $folder/new.key $pki/ca.key
        cp $folder/new.crt $pki/signing.crt
        cp $folder/new.key $pki/signing.key
        restart kube-controller-manager
        gpu-metal-renew renew 100000
    fi
    identity
    rm -f $kubelet/kubelet-server-*.pem
    in_use
}

end() {
    need
    trusted $folder/new.crt
    if is_plane; then
        signs_by ca
        rm -f $pki/signing.*
        api -n kube-public get configmap cluster-info -o 'jsonpath={.data.kubeconfig}' >$folder/cluster-info
        # Its cluster has no name, without which kubectl config changes nothing.
        sed -i -E "s|(certificate-authority-data: ).*|\1$(base64 -w 0 $folder/new.crt)|" $folder/cluster-info
        api -n kube-public create configmap cluster-info --from-file=kubeconfig=$folder/cluster-info --dry-run=client -o yaml |
            api -n kube-public replace -f -
    fi
    in_use
}

is_plane() { [[ -s $manifests/kube-apiserver.yaml ]]; }

api() { kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=20s "$@"; }

need() {
    if [[ ! -s $folder/new.crt || ! -s $folder/old.crt ]]; then refuse "$folder has not both certificates. Fix: copy them there"; fi
    if is_plane && [[ ! -s $folder/new.key ]]; then refuse "$folder has no new.key. Fix: copy it there"; fi
}

refuse() {
    printf '%s\n' "$*" >&2
    exit 1
}

# trusted FILE…: all that reads the authority's certificate gets these
trusted() {
    local file
    cat "$@" >$folder/trusted.crt
    install -m 0644 $folder/trusted.crt $pki/ca.crt
    for file in /etc/kubernetes/*.conf; do embed "$file" $folder/trusted.crt; done
}

# embed KUBECONFIG FILE
embed() {
    local name
    name=$(kubectl --kubeconfig "$1" config view -o 'jsonpath={.clusters[0].name}')
    kubectl --kubeconfig "$1" config set-cluster "$name" --certificate-authority="$2" --embed-certs >/dev/null
}

# signs_by NAME: the controller manager's pair; the kubelet starts it again
signs_by() {
    sed -i -E "s|(--cluster-signing-cert-file=).*|\1$pki/$1.crt|; s|(--cluster-signing-key-file=).*|\1$pki/$1.key|" \
        $manifests/kube-controller-manager.yaml
}

# The kubelet's own, signed anew, by the rights that it has.
identity() {
    local name request text key=$folder/kubelet.key made
    name=$(openssl x509 -in $kubelet/kubelet-client-current.pem -noout -subject -nameopt multiline | sed -n 's/.*commonName *= //p')
    openssl ecparam -name prime256v1 -genkey -noout >$key
    request=authority-$(uname -n)-$(date +%s)
    kubectl --kubeconfig /etc/kubernetes/kubelet.conf create -f - <<END
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: $request}
spec:
  request: $(openssl req -new -key $key -subj "/O=system:nodes/CN=$name" | base64 -w 0)
  signerName: kubernetes.io/kube-apiserver-client-kubelet
  usages: [digital signature, client auth]
END
    for _ in {1..60}; do
        text=$(kubectl --kubeconfig /etc/kubernetes/kubelet.conf get csr "$request" -o 'jsonpath={.status.certificate}' | base64 -d)
        if [[ -n $text ]]; then break; fi
        sleep 2
    done
    if ! openssl verify -CAfile $folder/new.crt <(printf '%s\n' "$text") >/dev/null 2>&1; then
        refuse "the kubelet got no certificate of the new authority. Fix: kubectl describe csr $request; then the same word again"
    fi
    made=$kubelet/kubelet-client-$(date -u +%Y-%m-%d-%H-%M-%S).pem
    { printf '%s\n' "$text" && cat $key; } >"$made"
    ln -sfT "$made" $kubelet/kubelet-client-current.pem
    rm -f $key
}

restart() {
    local process
    for process in $(pgrep -x "${1:0:15}"); do kill "$process" || true; done
}

# in_use: what runs here has read the files
in_use() {
    local name
    if is_plane; then
        for name in kube-scheduler kube-controller-manager; do restart "$name"; done
    fi
    systemctl restart kubelet
    if ! is_plane; then return; fi
    for _ in {1..150}; do
        if [[ $(api get --raw /readyz 2>/dev/null) == ok ]] && pgrep -x kube-controller >/dev/null && pgrep -x kube-scheduler >/dev/null; then
            return
        fi
        sleep 2
    done
    refuse "the control plane does not answer after 300 s. Fix: crictl ps -a; journalctl -u kubelet -n 50; then the same word again"
}

case ${1-} in
    make | trust | sign | end) "$1" ;;
    *) refuse "usage: bash -s make | trust | sign | end" ;;
esac
