# Rancher has put each namespace into its project, and has taken its quota. Words: NAMESPACE=PROJECT…

for each; do
    namespace=${each%%=*} project=${each#*=}
    # It does so some seconds after both are there.
    for _ in {1..10}; do
        label=$(kubectl get namespace "$namespace" -o 'jsonpath={.metadata.labels.field\.cattle\.io/projectId}')
        if [[ $label == "$project" ]]; then break; fi
        sleep 2
    done
    if [[ $label != "$project" ]]; then
        untrue "namespace $namespace is in Rancher's project ${label:-none}, not in $project. Fix: pulumi up --refresh;" \
            "then see kubectl -n cattle-system logs deployment/rancher there"
    fi
    status=$(kubectl get namespace "$namespace" -o 'jsonpath={.metadata.annotations.cattle\.io/status}')
    if [[ $status =~ \"type\":\"ResourceQuotaValidated\",\"status\":\"False\" ||
        $status =~ \"status\":\"False\",\"type\":\"ResourceQuotaValidated\" ]]; then
        untrue "Rancher does not take the quota of namespace $namespace: with the other namespaces of $project it is more" \
            "than the project's. Fix: give the project more, or its namespaces less"
    fi
done
printf 'all namespaces are in their projects\n'
