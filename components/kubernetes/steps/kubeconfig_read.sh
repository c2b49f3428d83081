# The stack's kubeconfig has the certificate that this control plane's admin.conf has.
# rows: K6 K12
# inputs: node
#
# The stack reads admin.conf once. After a renewal, its copy ends a year after it was made. `sitectl drift --record` sees
# by this step that it is due, and has the copy read anew; what was read is noted then (kubeconfig.py). So another change
# of this layer, which reads nothing, leaves the note as it is.

_read=$GPU_METAL_HOME/kubeconfig-read

check() {
    local said
    if [[ ! -s /etc/kubernetes/admin.conf ]]; then untrue "there is no /etc/kubernetes/admin.conf"; fi
    if [[ ! -s $_read ]]; then untrue "what the stack reads of $(input node) is not noted"; fi
    if _certificate | same_file "$_read"; then return 0; fi
    said="the kubeconfig in pulumi's state is not that of $(input node), whose certificate ends on $(_end)"
    if [[ $(verb) != apply ]]; then untrue "$said"; fi
    remark "$said. Fix, unless this pulumi up comes from it: sitectl drift --record, then pulumi up"
}

apply() { _certificate | write_file "$_read" 0600; }

undo() { rm -f "$_read"; }

_certificate() { _of_admin | sha256sum; }

_end() { _of_admin | openssl x509 -noout -enddate | cut -d = -f 2; }

_of_admin() { sed -n 's/^ *client-certificate-data: //p' /etc/kubernetes/admin.conf | base64 -d; }
