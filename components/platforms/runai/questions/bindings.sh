# Run:ai has taken each project's namespace as the project's: it has made role bindings there. Words: NAMESPACE…

bound() { [[ $(kubectl -n "$1" get rolebinding -o name) == */runai-* ]]; }
for namespace; do
    # They come some seconds after a member.
    for _ in {1..10}; do
        if bound "$namespace"; then continue 2; fi
        sleep 2
    done
    queue=$(kubectl get namespace "$namespace" -o 'jsonpath={.metadata.labels.runai/queue}')
    untrue "namespace $namespace (runai/queue: ${queue:-none}) has no role binding that begins with runai-: Run:ai has" \
        "not linked it with its project. Fix: pulumi up --refresh; then see kubectl -n runai get pods there"
done
printf 'all namespaces are linked\n'
