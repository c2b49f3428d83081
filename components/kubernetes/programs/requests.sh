#!/bin/bash
# gpu-metal-kubelet-requests: approves what kubelets ask to be signed for their own port, if it is of a host of the site.
#
# The step kubelet_requests puts it here. A line of the list is `NODE ADDRESS`. Approved is what a kubelet asks under its own
# name, of the groups of nodes, for a server, with no name but the node's and no address but the site's for it.
set -euo pipefail
shopt -s inherit_errexit

_list=/etc/kubernetes/gpu-metal/kubelets

ask() { kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=15s "$@"; }

pending() {
    ask get csr -o go-template='
{{- range .items}}{{if and (eq .spec.signerName "kubernetes.io/kubelet-serving") (not .status.conditions)}}
{{- .metadata.name}} {{.spec.username}} {{range .spec.groups}}{{.}},{{end}} {{range .spec.usages}}{{.}},{{end}} {{.spec.request}}
{{- "\n"}}{{end}}{{end}}' |
        sed 's/digital signature/signature/; s/key encipherment/encipherment/; s/server auth/server/; s/client auth/client/'
}

# unfit USER GROUPS USAGES REQUEST: why it is not approved; nothing if it is
unfit() {
    local node=${1#system:node:} address text names
    address=$(awk -v node="$node" '$1 == node { print $2 }' "$_list")
    if [[ $1 != system:node:* || -z $address ]]; then
        echo "$1 is no host of the site"
        return
    fi
    if [[ ,$2 != *,system:nodes,* ]]; then echo "$1 is not in system:nodes"; fi
    if [[ ,$3 != *,server,* ]] || tr , '\n' <<<"$3" | grep -qvxE 'signature|encipherment|server|'; then echo "it is for $3"; fi
    text=$(base64 -d <<<"$4" | openssl req -noout -text -nameopt RFC2253) || true
    if [[ $(sed -n 's/^ *Subject: //p' <<<"$text") != "CN=$1,O=system:nodes" ]]; then echo "its subject is not $1"; fi
    names=$(grep -A 1 'Subject Alternative Name' <<<"$text" | sed 1d | tr -d ' ' | tr , '\n' | sed '/^$/d') || true
    if [[ -z $names ]]; then echo 'it has no name and no address'; fi
    names=$(grep -vxF -e "DNS:$node" -e "IPAddress:$address" <<<"$names" | paste -sd ' ') || true
    if [[ -n $names ]]; then echo "it has $names, which are not of $node, $address"; fi
    if ! is_plain "$4" "$node" "$address"; then echo "its names are not encoded as a kubelet does it for $node, $address"; fi
}

# is_plain REQUEST NODE ADDRESS: are its names these two, or one of them, byte by byte? In openssl's text, a name with a line
# end in it hides those that follow, and they would be signed, too.
is_plain() {
    local seen name place
    seen=$(base64 -d <<<"$1" | openssl asn1parse 2>/dev/null | grep -A 1 -F ':X509v3 Subject Alternative Name' |
        sed 1d | sed 's/.*\[HEX DUMP\]://') || true
    name=$(printf '82%02X%s' "${#2}" "$(printf %s "$2" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F)")
    place=$(encoded_address "$3")
    case $seen in
        "$(sequence "$name")" | "$(sequence "$place")" | "$(sequence "$name$place")" | "$(sequence "$place$name")") ;;
        *) return 1 ;;
    esac
}

encoded_address() {
    local -a parts
    IFS=.: read -ra parts <<<"$1"
    if ((${#parts[@]} == 4)); then printf '8704' && printf '%02X' "${parts[@]}"; else printf '8710' && printf '%04X' "${parts[@]/#/0x}"; fi
}

sequence() { # HEX
    local length=$((${#1} / 2))
    if ((length > 127)); then printf '3081%02X%s' $length "$1"; else printf '30%02X%s' $length "$1"; fi
}

while read -r name user groups usages request; do
    why=$(unfit "$user" "$groups" "$usages" "$request" | paste -sd ';')
    if [[ -z $why ]]; then
        ask certificate approve "$name" >/dev/null
        printf 'approved: %s of %s\n' "$name" "$user"
    else
        printf 'not approved: %s of %s: %s\n' "$name" "$user" "$why"
    fi
done < <(pending)
