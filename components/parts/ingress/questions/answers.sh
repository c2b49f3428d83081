# The ingress answers at the address that the site gives it. Words: NAMESPACE SERVICE PORT ADDRESS…; where ports of
# nodes lead to it, one of their addresses is enough.

namespace=$1 service=$2 port=$3
shift 3
seen() { kubectl -n "$namespace" get service "$service" --ignore-not-found -o "jsonpath=$1"; }
kind=$(seen '{.spec.type}')
given=$(seen '{.status.loadBalancer.ingress[*].ip}')
if [[ -z $kind ]]; then untrue "there is no service $service -n $namespace. Fix: pulumi up --refresh"; fi
if [[ $kind == LoadBalancer && $given != "$1" ]]; then
    untrue "service $service -n $namespace has the address ${given:-none}, and the site gives it $1." \
        "Fix: see kubectl -n $namespace describe service $service there"
fi
for address; do
    # shellcheck disable=SC2016  # expanded by the inner shell
    if timeout 5 bash -c ': <>"/dev/tcp/$1/$2"' _ "$address" "$port" 2>/dev/null; then
        printf '%s:%s answers\n' "$address" "$port"
        exit 0
    fi
done
untrue "nobody answers at port $port of $*. Fix: see kubectl -n $namespace get pods,endpoints -o wide there"
