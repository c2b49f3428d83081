# The kubeconfig by which the pilot starts jobs opens the cluster's API for 30 days more at least; fewer are a remark.
# rows: T4
# inputs: user

check() {
    local end days text
    end=$(_end || true)
    if [[ -z $end ]]; then return; fi # such as a command that gets a token, or a token without an end
    days=$(((end - $(date +%s)) / 86400))
    text="the pilot's kubeconfig ends on $(date -u -d "@$end" +%F)"
    if ((end <= $(date +%s))); then
        untrue "${text/ends/ended}: the pilot starts no jobs." "$(_fix)"
    elif ((days < 30)); then
        remark "$text, in $days days. $(_fix)"
    fi
}

_fix() {
    printf '%s' 'Fix: in the site of the cluster that runs the jobs, sitectl user kubeconfig USER --days 90 --to FILE; ' \
        'here, pulumi config set --secret, with the name in kubeconfigSecret, < FILE; then pulumi up'
}

# Seconds since 1970 at which the first of its certificates and tokens ends; nothing if none says so
_end() {
    {
        _values client-certificate-data | while read -r data; do
            date -d "$(base64 -d <<<"$data" | openssl x509 -noout -enddate | cut -d = -f 2)" +%s
        done
        _values token | _ends_of_tokens
    } 2>/dev/null | sort -n | head -n 1
}

# The values of a key, in YAML or JSON
_values() { sed -nE "s/^[[:space:]-]*\"?$1\"?: *\"?([A-Za-z0-9+/=._-]+)\"?,?[[:space:]]*\$/\1/p" /etc/orchestra/kubeconfig; }

# `exp` of tokens that are JSON Web Tokens (RFC 7519), such as those of service accounts
_ends_of_tokens() {
    python3 -c 'import base64, json, sys
for token in sys.stdin.read().split():
    parts = token.split(".")
    if len(parts) == 3:
        body = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        if "exp" in body:
            print(int(body["exp"]))'
}
