# The files that arguments of the API server name are on this control plane, as the site has them, and are in use.
# rows: K2 K3
# inputs: names
# bulk: one for each name
# uses: kubernetes
#
# The API server reads them at its start, so it is restarted when one that it names changes. If it does not come up, the
# former files come back, and the step fails. The copy of the former files is also the mark of a restart that is due.
# Its arguments are for api_server to change; files that the site no longer has stay until it has done so.
# Undo leaves the files while the API server's pod names them: they go with the cluster (cluster_member).

_folder=/etc/kubernetes/gpu-metal/api-server
_former=/etc/kubernetes/gpu-metal/api-server-former
_manifest=/etc/kubernetes/manifests/kube-apiserver.yaml

check() {
    local name
    for name in $(input names); do
        if ! _is_ours "$name"; then untrue "$_folder/$name is not the site's $name"; fi
    done
    if [[ -d $_former ]]; then untrue "the API server was not restarted with the files of $_folder"; fi
}

apply() {
    local name
    if [[ ! -d $_former ]] && _is_read; then
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

_is_ours() { bulk "$1" | same_file "$_folder/$1"; }

# Does the API server read one of the files that will change?
_is_read() {
    local name
    for name in $(input names); do
        if ! _is_ours "$name" && grep -qsF -- "--$name=$_folder/$name" "$_manifest"; then return 0; fi
    done
    return 1
}

_take_in_use() {
    local said
    if said=$(api_server_restart); then
        rm -rf "$_former"
        return
    fi
    find "$_folder" -mindepth 1 -delete
    cp -a "$_former/." "$_folder/"
    api_server_restart >/dev/null || true
    rm -rf "$_former"
    untrue "the API server did not start with the new files: $said. The former ones are back." \
        "Fix: correct the file that it names, then run again"
}
