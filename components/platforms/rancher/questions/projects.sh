# Rancher has put each namespace into its project, and has taken its quota; every namespace of these projects, also one
# that people made in Rancher, bounds what its pods may be. Words: NAMESPACE=PROJECT…

all=
for each; do
    all+=",${each#*=}"
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
# Rancher gives a namespace that a member makes no such label, and no member may write one.
bare=$(kubectl get namespaces -l "field.cattle.io/projectId in (${all#,}),!pod-security.kubernetes.io/enforce" \
    -o 'jsonpath={range .items[*]}{.metadata.name}{" of "}{.metadata.labels.field\.cattle\.io/projectId}{"\n"}{end}')
if [[ -n $bare ]]; then
    untrue "$(paste -sd, <<<"$bare" | sed 's/,/, /g') were made in Rancher and enforce no Pod Security level: who makes a" \
        "privileged pod there is root on its node. Fix: kubectl label namespace ${bare%% *}" \
        "pod-security.kubernetes.io/enforce=baseline"
fi
printf 'all namespaces are in their projects\n'
