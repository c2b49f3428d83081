#!/bin/sh
# HAProxy's configuration from the cluster's ingresses of class $CLASS, and its certificate from the secret $NAMESPACE/$SECRET;
# both are watched, and haproxy is told to load what changed, as the real controller does.
# shellcheck disable=SC2016  # the $ in quotes are those of kubectl's templates
set -u

folder=/run/ingress
export HOME=$folder

# Lines of NAMESPACE/NAME ADDRESS PORT NAME-OF-PORT. A headless service has the addresses and ports of its pods.
services() {
    kubectl get services --all-namespaces -o \
        go-template='{{range .items}}{{$s := .}}{{range .spec.ports}}{{$s.metadata.namespace}}/{{$s.metadata.name}} {{$s.spec.clusterIP}} {{.port}} {{.name}}{{"\n"}}{{end}}{{end}}' &&
        kubectl get endpointslices --all-namespaces -l service.kubernetes.io/headless -o \
            go-template='{{range .items}}{{$s := .}}{{range .endpoints}}{{if .conditions.ready}}{{$at := index .addresses 0}}{{range $s.ports}}{{$s.metadata.namespace}}/{{index $s.metadata.labels "kubernetes.io/service-name"}} {{$at}} {{.port}} {{.name}}{{"\n"}}{{end}}{{end}}{{end}}{{end}}'
}

# Lines of HOST PATH ADDRESS PORT.
routes() {
    services >"$folder/services" || return 1
    kubectl get ingresses --all-namespaces -o \
        go-template='{{range .items}}{{$n := .metadata.namespace}}{{$c := .spec.ingressClassName}}{{range .spec.rules}}{{$h := .host}}{{range .http.paths}}{{$c}} {{$h}} {{.path}} {{$n}}/{{.backend.service.name}} {{or .backend.service.port.number .backend.service.port.name}}{{"\n"}}{{end}}{{end}}{{end}}' \
        >"$folder/ingresses" || return 1
    awk -v class="$CLASS" 'NR == FNR { if ($2 != "None") at[$1, $3] = at[$1, $4] = $2 " " $3; next }
        $1 == class && ($4, $5) in at { print $2, $3, at[$4, $5] }' "$folder/services" "$folder/ingresses" | sort
}

certificate() {
    kubectl -n "$NAMESPACE" get secret "$SECRET" -o \
        go-template='{{index .data "tls.crt" | base64decode}}{{"\n"}}{{index .data "tls.key" | base64decode}}'
}

configuration() {
    cat <<'TEXT'
global
    maxconn 200
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend health
    bind :1042
    monitor-uri /healthz
frontend web
    bind :8080
    bind :8443 ssl crt /run/ingress/site.pem
TEXT
    awk '{ printf "    use_backend b%d if { hdr(host),field(1,:) -i %s } { path_beg %s }\n", NR, $1, $2 }' "$folder/routes"
    awk '{ printf "backend b%d\n    server s %s:%s\n", NR, $3, $4 }' "$folder/routes"
}

# Whether there is something for haproxy to load.
look() {
    if ! routes >"$folder/routes.new" || ! certificate >"$folder/site.new"; then
        : >"$folder/changed" # nothing is known of it yet
        return 1
    fi
    cmp -s "$folder/routes.new" "$folder/routes" && cmp -s "$folder/site.new" "$folder/site.pem" && return 1
    mv "$folder/routes.new" "$folder/routes"
    mv "$folder/site.new" "$folder/site.pem"
    configuration >"$folder/haproxy.cfg"
}

# Leaves $folder/changed for each change of such things, and as long as they cannot be watched.
watch() {
    while true; do
        kubectl get "$@" --watch -o name | while read -r _; do : >"$folder/changed"; done
        : >"$folder/changed"
        sleep 1
    done
}

rm -f "$folder/routes" "$folder/site.pem" # a former container's, in the pod's emptyDir; this haproxy has loaded nothing yet
until look; do sleep 1; done
watch services --all-namespaces &
watch endpointslices --all-namespaces -l service.kubernetes.io/headless &
watch ingresses --all-namespaces &
watch secret "$SECRET" -n "$NAMESPACE" &
haproxy -W -db -f "$folder/haproxy.cfg" &
master=$!
trap 'kill $master; wait $master; exit 0' TERM INT
while kill -0 $master 2>/dev/null; do
    sleep 1
    if [ -e "$folder/changed" ]; then
        rm "$folder/changed"
        if look; then kill -USR2 $master; fi
    fi
done
exit 1
