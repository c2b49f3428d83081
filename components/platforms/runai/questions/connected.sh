# Run:ai's control plane answers, and says that the cluster is connected. Words: NAMESPACE SECRET PORT ADDRESS…

namespace=$1 secret=$2 port=$3
shift 3
if [[ -z $(command -v curl) ]]; then untrue "has no curl to ask with. Fix: write packages: [curl] for this host"; fi
value() { kubectl -n "$namespace" get secret "$secret" -o "jsonpath={.data.$1}" | base64 -d; }
# Of a JSON object: the text under a key; of several, the first.
field() { (grep -o "\"$1\" *: *\"[^\"]*\"" || true) | head -n 1 | cut -d '"' -f 4; }
# For curl's own file of options.
quoted() { sed 's/\\/\\\\/g; s/"/\\"/g'; }
if ! name=$(value name) || [[ -z $name ]]; then
    untrue "there is no secret $secret -n $namespace. Fix: pulumi up --refresh"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
value authority >"$folder/ca"
trusted=()
if [[ -s $folder/ca ]]; then trusted=(--cacert "$folder/ca"); fi
# Options on stdin, so that no secret is on a command line; ADDRESS of the ingress, PATH below the API.
call() {
    curl -sS --config - --max-time 15 --connect-to "$name:443:$1:$port" "${trusted[@]}" "https://$name$2" 2>"$folder/said"
}
token=
for address; do
    user=$(value username | quoted) password=$(value password | quoted)
    reply=$(printf 'data = "grant_type=password"\ndata-urlencode = "username=%s"\ndata-urlencode = "password=%s"\n' \
        "$user" "$password" | call "$address" /api/v2/token || true)
    token=$(field access_token <<<"$reply")
    if [[ -n $token ]]; then break; fi
done
if [[ -z $token ]]; then
    why=$(head -n 1 "$folder/said")
    untrue "no token from https://$name at port $port of $*: ${why:-$(field message <<<"$reply")}." \
        "Fix: see kubectl -n $namespace get pods,ingress there"
fi
reply=$(printf 'header = "Authorization: Bearer %s"\n' "$token" | call "$address" "/api/v1/clusters/$(value uid)" || true)
state=$(field state <<<"$reply")
if [[ $state != Connected ]]; then
    untrue "the control plane says ${state:-$(field message <<<"$reply")} of this cluster, not Connected." \
        "Fix: see kubectl -n runai get pods, and kubectl -n runai get runaiconfig runai -o yaml there"
fi
printf 'Connected\n'
