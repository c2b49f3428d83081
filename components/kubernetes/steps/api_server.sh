# The API server of this control plane is as the site says: its arguments, certificate names, environment, image, probes.
# rows: K2 K3
# inputs: node address names argument.NAME
# bulk: volumes
# uses: kubernetes stored
#
# Wanted is the cluster's own kubeadm-config with what the site says in place of what it said before: arguments and names
# that somebody else put there stay. kubeadm makes manifest and certificate of it, as `init` and `join` do, so that
# neither they nor an upgrade bring back what was there.
# The former manifest and certificate are kept until the new ones answer, and come back if they do not. Their copy is also
# the mark of a change that was cut off. kubeadm-config follows last, when this host's API server has proven it.
# Not undone: it goes with the cluster (cluster_member).

# shellcheck disable=SC2154 # child.sh has gm_inputs and gm_previous
_former=/etc/kubernetes/gpu-metal/api-server-before
_manifest=/etc/kubernetes/manifests/kube-apiserver.yaml
_pki=/etc/kubernetes/pki
_folders='[^ ]+ /(etc/(kubernetes/pki|ssl/certs|ca-certificates|pki(/.*)?)|usr/(local/)?share/ca-certificates)'

check() {
    local live seen wanted config manifest contents said
    if [[ ! -s $_manifest ]]; then untrue "$_manifest is not there: no API server runs here"; fi
    if [[ -d $_former ]]; then untrue "a change of the API server began here and did not end"; fi
    if ! api_server_runs; then untrue "no API server runs here: $(api_server_said)"; fi
    _plan
    said=$(lines_differ "$(_contents <$_manifest)" "$contents")
    if [[ -n $said ]]; then untrue "$_manifest: $said"; fi
    said=$(lines_differ "$(api_server_arguments)" "$(_flags)")
    if [[ -n $said ]]; then untrue "the API server runs other than its manifest says: $said"; fi
    said=$(_wrong_names | paste -sd ';')
    if [[ -n $said ]]; then untrue "$_pki/apiserver.crt: ${said//;/; }"; fi
    said=$(lines_differ "$seen" "$wanted")
    if [[ -n $said ]]; then untrue "kubeadm-config of the cluster: $said"; fi
}

apply() {
    local live seen wanted config manifest contents changed lost pair=''
    _plan
    _refuse_others
    lost=$(lost_keys "$(_contents <$_manifest)" "$contents")
    if [[ -n $lost ]]; then _fail "Secrets in etcd are encrypted with $lost, $KEYS_KEPT"; fi
    if [[ -n $(_wrong_names) ]]; then _sign; fi
    _keep_former
    changed=$(lines_differ "$(_contents <$_former/kube-apiserver.yaml)" "$contents")
    if [[ -n $pair ]]; then _take "$pair"; fi
    if [[ $(_contents <$_manifest) != "$contents" ]]; then api_server_aside away 900 && write_file $_manifest 0600 <<<"$manifest"; fi
    if ! _answers "$(_beside)"; then _give_up "$changed"; fi
    api_server_aside back
    rm -rf $_former
    _drop_files
    if [[ $seen != "$wanted" ]]; then
        _quietly kubeadm init phase upload-config kubeadm --config /dev/stdin <<<"$config"
    fi
}

# What the cluster has, what is wanted of it, and what kubeadm makes of that: the caller's variables
_plan() {
    if ! live=$(cluster_api -n kube-system get configmap kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}' 2>&1); then
        _fail "the cluster does not show its kubeadm-config: ${live##*$'\n'}"
    fi
    seen=$(_settings)
    wanted=$(_wanted)
    config=$(_config)
    manifest=$(_made)
    contents=$(_contents <<<"$manifest")
}

_fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# _quietly COMMAND…: its output only if it fails
_quietly() {
    local said
    if said=$("$@" 2>&1); then return 0; fi
    _fail "${*:1:5}: ${said##*$'\n'}"
}

# What is on stdin, a YAML document, by kubectl's own reader
_shown() { kubectl patch --local -f - --type merge -p '{}' -o "$1"; } # OUTPUT

# Before v1beta4, arguments are a map.
_has_maps() { grep -qx 'apiVersion: kubeadm.k8s.io/v1beta[1-3]' <<<"$live"; }

# What this step decides of the cluster's configuration, a line each and sorted: `--NAME=VALUE` is an argument,
# `certSANs NAME` a name in the certificate, `extraVolumes NAME JSON` a folder in the pod
_settings() {
    local arguments='{{range .}}--{{.name}}={{.value}}{{"\n"}}{{end}}' names volumes
    # shellcheck disable=SC2016 # $k and $v are the template's
    if _has_maps; then arguments='{{range $k, $v := .}}--{{$k}}={{$v}}{{"\n"}}{{end}}'; fi
    names='{{range .}}certSANs {{.}}{{"\n"}}{{end}}'
    volumes='{{range .}}extraVolumes {{.name}} {"name":{{printf "%q" .name}},"hostPath":{{printf "%q" .hostPath}},'
    volumes+='"mountPath":{{printf "%q" .mountPath}}{{if .readOnly}},"readOnly":true{{end}}'
    volumes+='{{with .pathType}},"pathType":{{printf "%q" .}}{{end}}}{{"\n"}}{{end}}'
    _shown "go-template={{with .apiServer}}{{with .extraArgs}}$arguments{{end}}{{with .certSANs}}$names{{end}}{{with \
.extraVolumes}}$volumes{{end}}{{end}}" <<<"$live" | by_argument
}

# The site's, and of the cluster's those that the site neither has nor had
_wanted() {
    {
        awk -F '[ =]' 'NR == FNR { known[$0]; next } !(($1 == "extraVolumes" || $1 == "certSANs" ? $1 " " $2 : $1) in known)' \
            <(_site_knows) - <<<"$seen" | sed '/^$/d'
        _of_site "${gm_inputs[@]}"
        bulk volumes | sed -n 's/^./extraVolumes &/p'
    } | by_argument
}

# _of_site INPUT…: arguments and names, as _settings has them
_of_site() { printf '%s\n' "$@" | sed -nE 's/^argument\./--/p; s/^names=//p' | sed -E '/^--/! { s/,/\n/g }' | sed -E '/^$/d; /^--/! s/^/certSANs /'; }

# What is ours to set and to take away
_site_knows() {
    _of_site "${gm_inputs[@]}" "${gm_previous[@]}" | sed -E '/^--/ s/=.*//'
    printf 'extraVolumes %s\n' gpu-metal-files gpu-metal-audit-log
}

# kubeadm's configuration for this host
_config() {
    local patch
    cat <<END
apiVersion: $(sed -n 's/^apiVersion: //p' <<<"$live")
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: "$(input address)", bindPort: 6443}
nodeRegistration: {name: "$(input node)", criSocket: "unix:///run/containerd/containerd.sock"}
---
END
    patch=$(
        printf '['
        _place extraArgs "$(sed -n 's/^--//p' <<<"$wanted" | _arguments)",
        _place certSANs "[$(sed -n 's/^certSANs //p' <<<"$wanted" | _json | paste -sd ,)]",
        _place extraVolumes "[$(sed -nE 's/^extraVolumes [^ ]+ //p' <<<"$wanted" | paste -sd ,)]"
        printf ']'
    )
    kubectl patch --local -f - --type json -p "$patch" -o yaml <<<"$live"
}

_place() { printf '{"op":"add","path":"/apiServer/%s","value":%s}%s' "$1" "${2%,}" "$([[ $2 != *, ]] || echo ,)"; }

# Each line as JSON
_json() { sed 's/[\\"]/\\&/g; s/.*/"&"/'; }

# From lines NAME=VALUE
_arguments() {
    if _has_maps; then
        printf '{%s}' "$(_json | sed 's/=/":"/' | paste -sd ,)"
    else
        printf '[%s]' "$(_json | sed 's/=/","value":"/; s/^/{"name":/; s/$/}/' | paste -sd ,)"
    fi
}

# The manifest that kubeadm makes. It writes to one folder only: here another one lies over it, for kubeadm alone.
_made() {
    local said
    # shellcheck disable=SC2016 # $1 is the inner shell's
    if said=$(unshare --mount --propagation private bash -euc '
        mount -t tmpfs -o mode=0700 tmpfs "${1%/*}"
        said=$(kubeadm init phase control-plane apiserver --config /dev/stdin 2>&1) || { echo "$said"; exit 1; }
        cat "$1"' bash $_manifest <<<"$config"); then
        printf '%s\n' "$said"
        return 0
    fi
    _fail "kubeadm makes no manifest of the site's settings: ${said##*$'\n'}"
}

# What kubeadm decides of a manifest, but for what it takes from the host at that moment: the folders of certificates that
# are there, and the proxies of its own environment. A variable's value may be secret: its digest stands for it.
_contents() {
    local line
    pod_fields | grep -vE "^(env [^=]*_(proxy|PROXY)=|mount $_folders\$)" | by_argument | while IFS= read -r line; do
        if [[ $line == env\ * ]]; then line="${line%%=*}=sha256:$(sha256sum <<<"${line#*=}" | cut -c 1-12)"; fi
        printf '%s\n' "$line"
    done
}

_flags() { grep '^--' <<<"$contents"; }

# What the certificate lacks, and what it has of an earlier site
_wrong_names() {
    local name
    while read -r name; do
        if ! certificate_has "$name" $_pki/apiserver.crt; then printf '%s is not in the certificate\n' "$name"; fi
    done < <(sed -n 's/^certSANs //p' <<<"$wanted")
    _leaving | sed 's/$/ is in the certificate, the site does not give it/'
}

_leaving() {
    local name
    while read -r name; do
        if ! grep -qxF -- "certSANs $name" <<<"$wanted" && certificate_has "$name" $_pki/apiserver.crt; then printf '%s\n' "$name"; fi
    done < <(previous names '' | tr ',' '\n' | sed '/^$/d')
}

# What others changed by hand in a manifest that this step never took over is theirs, and kubeadm-config does not have it.
_refuse_others() {
    local theirs
    if [[ -n $(previous node) ]]; then return 0; fi
    theirs=$(LC_ALL=C comm -23 <(_by_others <$_manifest) <(_by_others <<<"$manifest") | paste -sd ' ')
    if [[ -z $theirs ]]; then return 0; fi
    _fail "$_manifest has what the cluster's kubeadm-config does not have: $theirs. Nothing was changed." \
        "Fix: write arguments under kubernetes.apiServer; take the rest out of the manifest, if it may go; then pulumi up"
}

# Of a manifest, what neither the site decides nor kubeadm by the folders of the host
_by_others() {
    pod_fields | grep -E '^(--|container |mount |env |hostAlias )' | grep -vE "^mount ($_folders|gpu-metal-.*)\$" |
        sed '/^env /s/=.*//' |
        awk -F= 'NR == FNR { own[$1]; next } !($1 in own)' <(_of_site "${gm_inputs[@]}") - | LC_ALL=C sort -u
}

# Only once: after a change that was cut off, what is there now has not been proven.
_keep_former() {
    if [[ -d $_former ]]; then return 0; fi
    rm -rf $_former.new
    (umask 077 && mkdir -p $_former.new)
    cp -a $_manifest $_pki/apiserver.crt $_pki/apiserver.key $_former.new/
    sync $_former.new/* $_former.new
    mv -T $_former.new $_former
    sync ${_former%/*}
}

# Another certificate by the same authority, in a folder of its own: $pair. Names that others had signed stay in it.
_sign() {
    local lost leaving
    if [[ ! -s $_pki/ca.key ]]; then
        _fail "$_pki/ca.key is not here, and only it can sign another certificate. Nothing was changed." \
            "Fix: have your authority sign $_pki/apiserver.crt with these names, then pulumi up"
    fi
    pair=$(mktemp -d /run/gpu-metal/pki.XXXXXX)
    ln -s $_pki/ca.crt $_pki/ca.key "$pair/"
    _quietly kubeadm init phase certs apiserver --config /dev/stdin < <(
        printf '%s\n' "$config" | sed "s|^certificatesDir:.*|certificatesDir: $pair|"
    )
    lost=$(LC_ALL=C comm -23 <(certificate_names $_pki/apiserver.crt) <(certificate_names "$pair/apiserver.crt"))
    leaving=$(_leaving)
    # By their number: addresses of IPv6 are not spelled alike.
    if (($(grep -c . <<<"$lost") > $(grep -c . <<<"$leaving"))); then
        lost=$(cut -d : -f 2- <<<"$lost" | grep -vxF -- "$leaving" | paste -sd ' ')
        rm -rf "$pair"
        _fail "$_pki/apiserver.crt has names that neither the site nor kubeadm-config has: $lost. Another one would be" \
            "without them. Nothing was changed. Fix: write under kubernetes.extraSans those that clients use; then pulumi up"
    fi
}

# The API server reads it anew without a restart.
_take() {
    write_file $_pki/apiserver.key 0600 <"$1/apiserver.key"
    write_file $_pki/apiserver.crt 0644 <"$1/apiserver.crt"
    rm -rf "$1"
}

# What changes besides arguments, which its process shows: environment, image, probes
_beside() { lines_differ "$(_contents <$_former/kube-apiserver.yaml | sed '/^--/d')" "$(sed '/^--/d' <<<"$contents")"; }

# _answers BESIDE: waits until this host's API server runs with the wanted arguments and shows the certificate that is
# there, and, where more than arguments changes, was started since. A container that has ended twice by then will not come
# up.
_answers() {
    local deadline=$((SECONDS + 240)) before now
    before=$(api_server_logs)
    now=$before
    while ((SECONDS < deadline)); do
        if [[ $(api_server_arguments) == "$(_flags)" ]] && { [[ -z $1 ]] || api_server_is_newer $_manifest; } &&
            api_server_is_ready && api_server_shows $_pki/apiserver.crt; then return 0; fi
        # A log is deleted with its container, when there is a newer one.
        now=$({ printf '%s\n' "$now" && api_server_logs; } | LC_ALL=C sort -u)
        if (($(wc -l <<<"$now") - $(wc -l <<<"$before") > 2)); then return 1; fi
        sleep 1
    done
    return 1
}

# _give_up CHANGED: the former ones come back
_give_up() {
    local said back
    said=$(api_server_said)
    write_file $_pki/apiserver.key 0600 <$_former/apiserver.key
    write_file $_pki/apiserver.crt 0644 <$_former/apiserver.crt
    write_file $_manifest 0600 <$_former/kube-apiserver.yaml
    contents=$(_contents <$_manifest)
    if ! _answers ''; then
        back=$(api_server_said)
        _fail "the API server does not answer with the site's settings (${1:-its certificate}): $said. The former ones are" \
            "back, and it does not answer with them either: $back. Fix: crictl ps -a and journalctl -u kubelet -n 50 there"
    fi
    rm -rf $_former
    api_server_aside back
    _fail "the API server does not run with the site's settings (${1:-its certificate}): $said. The former ones are back," \
        "and it answers. Fix: correct what the site says of these, or take it out, then pulumi up"
}

# Files that no argument names any more
_drop_files() {
    local file
    for file in /etc/kubernetes/gpu-metal/api-server/*; do
        if [[ -f $file ]] && ! grep -qF -- "=$file" $_manifest; then rm -f -- "$file"; fi
    done
}
