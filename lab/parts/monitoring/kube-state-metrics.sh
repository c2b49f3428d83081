#!/bin/sh
# The states of nodes, and of etcd's pods, in place of kube-state-metrics, which cannot be had here. Both are
# watched; the names of the metrics and of their labels are the upstream's.
# shellcheck disable=SC2016  # the $ in quotes are those of kubectl's templates
set -u

www=/tmp/www
export HOME=/tmp
nodes='{{range .items}}{{$n := .metadata.name}}kube_node_info{node="{{$n}}"} 1
{{with index .status.allocatable "nvidia.com/gpu"}}kube_node_status_allocatable{node="{{$n}}",resource="nvidia_com_gpu",unit="integer"} {{.}}
{{end}}{{range .status.conditions}}{{if eq .type "Ready"}}kube_node_status_condition{node="{{$n}}",condition="Ready",status="true"} {{if eq .status "True"}}1{{else}}0{{end}}
{{end}}{{end}}{{end}}'
pods='{{range .items}}{{$n := .metadata.name}}{{range .status.conditions}}{{if eq .type "Ready"}}kube_pod_status_ready{namespace="kube-system",pod="{{$n}}",condition="true"} {{if eq .status "True"}}1{{else}}0{{end}}
{{end}}{{end}}{{end}}'

look() {
    kubectl get nodes -o go-template="$nodes" && kubectl get pods -n kube-system -l component=etcd -o go-template="$pods"
}

# Leaves $www/changed for each change of such things, and as long as they cannot be watched.
watch() {
    while true; do
        kubectl get "$@" --watch -o name | while read -r _; do : >$www/changed; done
        : >$www/changed
        sleep 1
    done
}

mkdir -p $www
until look >$www/new; do sleep 1; done
mv $www/new $www/metrics
watch nodes &
watch pods -n kube-system -l component=etcd &
httpd -f -p 8080 -h $www &
server=$!
trap 'kill $server; exit 0' TERM INT
while kill -0 $server 2>/dev/null; do
    sleep 2
    if [ -e $www/changed ]; then
        rm $www/changed
        if look >$www/new; then mv $www/new $www/metrics; else : >$www/changed; fi
    fi
done
exit 1
