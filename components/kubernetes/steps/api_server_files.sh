# The files that arguments of the API server name are on this control plane, as the site has them, and are in use.
# rows: K2
# inputs: names
# bulk: one for each name
#
# The API server reads them at its start, so it is restarted when one changes. If it does not come up, the former files
# come back, and the step fails. The copy of the former files is also the mark of a restart that is due.
# Undo leaves the files while the API server's pod names them: they go with the cluster (cluster_member).

_folder=/etc/kubernetes/gpu-metal/api-server
_former=/etc/kubernetes/gpu-metal/api-server-former
_manifest=/etc/kubernetes/manifests/kube-apiserver.yaml

check() {
    local name
    _is_named
    for name in $(input names); do
        if ! bulk "$name" | same_file "$_folder/$name"; then untrue "$_folder/$name is not the site's $name"; fi
    done
    if [[ -d $_former ]]; then untrue "the API server was not restarted with the files of $_folder"; fi
}

apply() {
    local name
    _is_named
    if [[ -s $_manifest && ! -d $_former ]] && ! (check) >/dev/null 2>&1; then
        rm -rf "$_former.new"
        (umask 022 && mkdir -p "$_folder")
        cp -a "$_folder" "$_former.new"
        mv -T "$_former.new" "$_former"
    fi
    for name in $(input names); do
        bulk "$name" | write_file "$_folder/$name" 0600
    done
    if [[ -d $_former ]]; then _take_in_use; fi
}

undo() {
    if grep -qsF "$_folder/" "$_manifest"; then
        printf '%s stays: the API server reads it. It goes with the cluster\n' "$_folder"
        return
    fi
    rm -rf "$_folder" "$_former" "$_former.new"
}

# A cluster that runs gets no new arguments from here.
_is_named() {
    local name
    if [[ ! -s $_manifest ]]; then return; fi
    for name in $(input names); do
        if ! grep -qxE " +- --$name=$_folder/$name" "$_manifest"; then
            untrue "the API server of this cluster runs without --$name=$_folder/$name, and pulumi up gives a running" \
                "cluster no new arguments yet. Nothing was changed. Fix: take $name out of kubernetes.apiServerFiles"
        fi
    done
}

_take_in_use() {
    local said
    if said=$(_restart); then
        rm -rf "$_former"
        return
    fi
    find "$_folder" -mindepth 1 -delete
    cp -a "$_former/." "$_folder/"
    _restart >/dev/null || true
    rm -rf "$_former"
    untrue "the API server did not start with the new files: $said. The former ones are back." \
        "Fix: correct the file that it names, then run again"
}

# Ends the API server, which the kubelet starts again, and waits until it is ready. Otherwise prints its last words.
_restart() {
    local old deadline=$((SECONDS + 120))
    old=$(_process)
    if [[ -n $old ]]; then kill -TERM "$old"; fi
    while ((SECONDS < deadline)); do
        if [[ $(_process) != "$old" ]] && _is_ready; then return; fi
        sleep 1
    done
    tail -q -n 1 /var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log 2>/dev/null |
        tail -n 1 | sed -E 's/^\S+ std(out|err) F //' | cut -c 1-400
    return 1
}

_process() { pgrep -o -x kube-apiserver || true; }

# This one, not another behind the same endpoint.
_is_ready() {
    local address
    address=$(sed -nE 's/^ +- --advertise-address=//p' "$_manifest")
    if [[ $address == *:* ]]; then address="[$address]"; fi
    [[ $(kubectl --kubeconfig /etc/kubernetes/admin.conf --cache-dir /run/gpu-metal/kubectl --request-timeout=5s \
        --server "https://$address:6443" get --raw /readyz 2>/dev/null) == ok ]]
}
