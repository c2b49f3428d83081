# Pods resolve the site's hosts by their full names: CoreDNS answers them, as /etc/hosts does on hosts.
# rows: N3 K4
# bulk: entries
# uses: kubernetes
#
# A marked block on top of the root zone of CoreDNS' configuration, which CoreDNS reads again by itself within two minutes.
# All other names go on as before. A control plane that leaves takes nothing away: the others want the block still.

check() {
    local seen
    seen=$(_corefile)
    _refuse "$seen"
    if [[ $(_with_block "$seen") != "$seen" ]]; then
        untrue "CoreDNS does not answer the site's $(bulk entries | wc -l) hosts as the site has them"
    fi
}

apply() {
    local seen
    seen=$(_corefile)
    _refuse "$seen"
    _with_block "$seen" | _put
}

undo() {
    local seen
    if [[ $(verb) != apply ]]; then return; fi
    # First all of it: a pipe would put an empty configuration where the API server does not answer.
    seen=$(_corefile)
    _without_block <<<"$seen" | _put
}

_corefile() { cluster_api get configmap coredns --namespace kube-system -o 'jsonpath={.data.Corefile}'; }

_refuse() { # COREFILE
    local rest
    rest=$(_without_block <<<"$1")
    if ! grep -Eq '^\.(:53)? \{$' <<<"$rest"; then
        untrue "CoreDNS' configuration has no root zone \".:53 {\". Fix: kubectl -n kube-system edit configmap coredns," \
            "or kubernetes.hostNames: false"
    fi
    if grep -Eq '^[[:blank:]]+hosts([[:blank:]]|$)' <<<"$rest"; then
        untrue "CoreDNS' configuration has hosts of others already, and takes one such block. Fix: take it out with" \
            "kubectl -n kube-system edit configmap coredns, or write kubernetes.hostNames: false"
    fi
}

_block() {
    printf '    # gpu-metal begin\n    hosts {\n'
    bulk entries | sed 's/^/        /'
    printf '        ttl 60\n        fallthrough\n    }\n    # gpu-metal end\n'
}

_with_block() { # COREFILE
    awk 'NR == FNR { block = block $0 "\n"; next } { print } /^\.(:53)? \{$/ && !done { printf "%s", block; done = 1 }' \
        <(_block) <(_without_block <<<"$1")
}

# A block whose end somebody took away stays: else all that follows would go.
_without_block() {
    awk '/# gpu-metal begin$/ { ours = 1 }
        { if (ours) block = block $0 "\n"; else print }
        /# gpu-metal end$/ { ours = 0; block = "" }
        END { printf "%s", block }'
}

# Replaces the configuration by stdin.
_put() {
    local file=$GPU_METAL_RUN/corefile.yaml
    { printf 'data:\n  Corefile: |\n' && sed -E 's/^(.+)$/    \1/'; } | write_file "$file" 0600
    cluster_api patch configmap coredns --namespace kube-system --type merge --patch-file "$file" >/dev/null
    rm -f "$file"
}
