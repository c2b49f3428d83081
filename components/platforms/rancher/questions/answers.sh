# Rancher answers under its name at the ingress, with a certificate that is trusted. Words: NAMESPACE NAME PORT ADDRESS…

namespace=$1 name=$2 port=$3
shift 3
if [[ -z $(command -v curl) ]]; then untrue "has no curl to ask with. Fix: write packages: [curl] for this host"; fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trusted=()
authority=$(kubectl -n "$namespace" get secret tls-ca --ignore-not-found -o 'jsonpath={.data.cacerts\.pem}')
if [[ -n $authority ]]; then
    base64 -d <<<"$authority" >"$folder/ca"
    trusted=(--cacert "$folder/ca")
fi
said=
for address; do
    said=$(curl -sS --max-time 15 --connect-to "$name:443:$address:$port" "${trusted[@]}" "https://$name/ping" 2>&1 || true)
    if [[ $said == pong ]]; then
        printf 'https://%s answers\n' "$name"
        exit 0
    fi
done
untrue "https://$name/ping at port $port of $* says: $(head -n 1 <<<"$said" | cut -c 1-200)." \
    "Fix: see kubectl -n $namespace get pods,ingress there"
