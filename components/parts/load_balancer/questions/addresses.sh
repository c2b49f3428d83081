# Each service of type LoadBalancer has an address.

columns='{range .items[?(@.spec.type=="LoadBalancer")]}{.metadata.namespace}/{.metadata.name}'
columns+='{" "}{.status.loadBalancer.ingress[*].ip}{.status.loadBalancer.ingress[*].hostname}{"\n"}{end}'
all=$(kubectl get services --all-namespaces -o "jsonpath=$columns")
waiting=$(awk 'NF == 1 { print $1 }' <<<"$all" | paste -sd ' ')
if [[ -n $waiting ]]; then
    untrue "no address for $waiting. Fix: see kubectl describe service there; write a larger network.loadBalancer.pool"
fi
printf 'services with an address: %s\n' "$(awk 'NF' <<<"$all" | wc -l)"
