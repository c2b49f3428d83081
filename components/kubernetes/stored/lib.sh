# shellcheck shell=bash
# For steps with `# uses: stored`: how etcd has Secrets, from a control plane, and with which keys.

# stored_secrets: how etcd has each Secret, a line `NAMESPACE/NAME HOW`: HOW is plain, or PROVIDER:VERSION:KEY. Nothing of
# their content goes farther than this pipe.
stored_secrets() {
    local page next
    next=$(printf /registry/secrets/ | base64)
    while true; do
        page=$(_stored_page "$next") || true
        if [[ $page != answered* ]]; then
            printf "etcd of this control plane does not show how it has Secrets. Fix: crictl ps -a; sitectl verify\n" >&2
            return 1
        fi
        sed '1d; /^more$/d' <<<"$page"
        if [[ $page != *$'\n'more ]]; then return 0; fi
        next=$(printf '/registry/secrets/%s\0' "$(tail -n 2 <<<"$page" | sed -n '1s/ .*//p')" | base64 -w 0)
    done
}

# etcd's own HTTP door: no etcdctl is needed. 500 keys at a time, of each value the first bytes.
_stored_page() {
    printf '{"key":"%s","range_end":"%s","limit":"500"}' "$1" "$(printf /registry/secrets0 | base64)" |
        curl -s --noproxy '*' --max-time 60 --cacert /etc/kubernetes/pki/etcd/ca.crt \
            --cert /etc/kubernetes/pki/etcd/healthcheck-client.crt --key /etc/kubernetes/pki/etcd/healthcheck-client.key \
            --data @- https://127.0.0.1:2379/v3/kv/range |
        grep -oE '"(revision|key)": ?"[^"]*|"value": ?"[^"]{0,120}|"more": ?true' |
        LC_ALL=C awk -F '"' '
        function text(code, i, bits, n, byte, out) {
          for (i = 1; i <= length(code); i++) {
            if (!(substr(code, i, 1) in six)) break
            bits = bits * 64 + six[substr(code, i, 1)]; n += 6
            if (n < 8) continue
            n -= 8; byte = int(bits / 2 ^ n); bits = bits % 2 ^ n
            if (byte < 33 || byte > 126) break
            out = out sprintf("%c", byte)
          }
          return out
        }
        BEGIN {
          digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
          for (i = 0; i < 64; i++) six[substr(digits, i + 1, 1)] = i
        }
        $2 == "revision" { print "answered" }
        $2 == "key" { key = substr(text($4), length("/registry/secrets/") + 1) }
        $2 == "value" {
          split(text($4), part, ":")
          print key, part[1] == "k8s" && part[2] == "enc" ? part[3] ":" part[4] ":" part[5] : "plain"
        }
        $2 == "more" { more = 1 }
        END { if (more) print "more" }'
}

# secrets_unreadable FILE: the keys, PROVIDER:VERSION:NAME, with which Secrets in etcd are encrypted and that are not in this
# file of secret_keys; all, if there is no such file
secrets_unreadable() {
    local stored known
    stored=$(stored_secrets) || return 1
    known=$(sed -nE 's/^ +- secretbox: .*name: "([^"]+)".*/secretbox:v1:\1/p' "$1" 2>/dev/null) || true
    awk '$2 != "plain" { print $2 }' <<<"$stored" | LC_ALL=C sort -u | grep -vxF -- "$known" | sed '/^$/d' || true
}

# lost_keys WAS IS: with other arguments of the API server, the keys that Secrets need and that it would not have any more
lost_keys() {
    local was is
    was=$(sed -n 's/^--encryption-provider-config=//p' <<<"$1")
    is=$(sed -n 's/^--encryption-provider-config=//p' <<<"$2")
    # What is in a file of the operator's own, it does not know.
    if [[ -z $was || $was == "$is" || (-n $is && $is != /etc/kubernetes/gpu-metal/*) ]]; then return 0; fi
    secrets_unreadable "$is" | paste -sd ' '
}

# join_with_keys NAME…: before a control plane joins a cluster whose Secrets are encrypted with these keys. Its API server
# must be able to read them: one that cannot is never ready, and kubeadm would wait for it in vain. Status 1 and why, when
# the site does not name one. It must also write what all others can read: one that was taken out before the keys changed
# would write with a former key, so it writes plain text until secret_keys has put the site's first key first.
join_with_keys() {
    local name first file=/etc/kubernetes/gpu-metal/api-server/encryption-provider-config
    for name in "$@"; do
        if grep -qsF -- "{name: \"$name\"," $file; then continue; fi
        printf 'Secrets of the cluster are encrypted with the key %s, which the site does not name. Nothing was changed here. ' "$name"
        printf 'Fix: put it back as the last of kubernetes.encryption.keys, pulumi up; then take it out\n'
        return 1
    done
    first=$(sed -nE '/^ +providers:/ { n; s/.*name: "([^"]+)".*/\1/p }' $file 2>/dev/null) || true
    if [[ $# -eq 0 || -z $first || " $* " == *" $first "* ]]; then return 0; fi
    awk '/^ +- identity:/ { next } { print } /^ +providers:/ { print "      - identity: {}" }' $file | write_file $file 0600
}

# shellcheck disable=SC2034 # for the message about them
KEYS_KEPT='which the API server would not have any more. Nothing was changed. Fix: put kubernetes.encryption back with decrypt: true, pulumi up; then take it out'
