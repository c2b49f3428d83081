# Controller manager and scheduler of this control plane run with the arguments that the site's profile gives them.
# rows: K14
# inputs: argument.NAME
# uses: kubernetes
#
# The line is put into the manifest that kubeadm made, beside what others changed there, and into kubeadm-config, from
# which upgrades and control planes that join have it. Undone, both are without it; they are not when somebody else had it
# there before: what is ours, an annotation of kubeadm-config says for the cluster, and a note of this host for its
# manifests, also those that a join has made with it. A host that leaves the cluster takes nothing away from the others.

_programs=(kube-controller-manager kube-scheduler)
_keys=(controllerManager scheduler)

check() {
    local program line live key
    for program in "${_programs[@]}"; do
        while IFS= read -r line; do
            if ! _has "$line" "$(_manifest "$program")"; then untrue "$program has not $line"; fi
            if ! _runs_with "$program" "$line"; then untrue "$program does not run with $line, which its manifest has"; fi
        done < <(_wanted)
    done
    live=$(_live)
    for key in "${_keys[@]}"; do
        line=$(_lacking "$key")
        if [[ -n $line ]]; then untrue "kubeadm-config of the cluster has not $line for $key"; fi
        if _is_ours "$key" && ! _is_noted "$key"; then
            untrue "$(_program_of "$key") was made from kubeadm-config with what this site put there, and this host has no note" \
                "of it: it would keep that once the site's profile goes"
        fi
    done
}

apply() {
    local program line live deadline
    live=$(_live)
    _note_ours
    for program in "${_programs[@]}"; do
        while IFS= read -r line; do
            if _has "$line" "$(_manifest "$program")"; then continue; fi
            _refuse_others "$program" "${line%%=*}"
            _note "$program"
            _with "$program" "$line" | write_file "$(_manifest "$program")" 0600
        done < <(_wanted)
        deadline=$((SECONDS + 180))
        until _all_run "$program"; do
            if ((SECONDS > deadline)); then
                untrue "$program does not run with $(_wanted | paste -sd ' ') after 180 s." \
                    "Fix: crictl ps -a; journalctl -u kubelet -n 50"
            fi
            sleep 1
        done
    done
    if [[ -z $(_lacking controllerManager)$(_lacking scheduler) ]]; then return; fi
    _annotate "$(_ours)"
    _upload with
}

undo() {
    local program line live
    if [[ ! -s /etc/kubernetes/admin.conf || $(verb) != apply ]]; then
        rm -f "$(_noted)"
        return 0
    fi
    live=$(_live)
    _note_ours
    if [[ ! -s $(_noted) ]]; then return 0; fi
    while read -r program; do
        while IFS= read -r line; do
            if ! _has "$line" "$(_manifest "$program")"; then continue; fi
            grep -vxF -- "    - $line" "$(_manifest "$program")" | write_file "$(_manifest "$program")" 0600
        done < <(_wanted)
    done <"$(_noted)"
    _upload without
    _annotate ''
    rm -f "$(_noted)"
}

_mark=gpu-metal/controllers

# _refuse_others PROGRAM ARGUMENT: a value that somebody else gave it is theirs
_refuse_others() {
    local theirs
    theirs=$(sed -nE "s/^ +- ($2(=.*)?)\$/\1/p" "$(_manifest "$1")")
    if [[ -z $theirs ]]; then return 0; fi
    untrue "$1 has $theirs, which this site did not set. Nothing was changed." \
        "Fix: take it out of $(_manifest "$1") and out of kubeadm-config, then pulumi up"
}

# The cluster's configuration; before it, as a comment, for which keys this site gave the arguments
_live() {
    cluster_api -n kube-system get configmap kubeadm-config -o \
        "go-template={{with .metadata.annotations}}{{with index . \"$_mark\"}}# ours: {{.}}{{\"\n\"}}{{end}}{{end}}{{.data.ClusterConfiguration}}"
}

_is_ours() { [[ " $(sed -n 's/^# ours: //p' <<<"$live") " == *" $1 "* ]]; }

_is_noted() { grep -qsxF -- "$(_program_of "$1")" "$(_noted)"; }

_note_ours() {
    local key
    for key in "${_keys[@]}"; do
        if _is_ours "$key"; then _note "$(_program_of "$key")"; fi
    done
}

# The keys that have, or are about to get, their arguments from this site
_ours() {
    local key
    for key in "${_keys[@]}"; do
        if _is_ours "$key" || { _is_noted "$key" && [[ -n $(_lacking "$key") ]]; }; then printf '%s\n' "$key"; fi
    done | paste -sd ' '
}

# _annotate KEYS: kubeadm keeps annotations when it writes its ConfigMap.
_annotate() {
    cluster_api -n kube-system annotate configmap kubeadm-config --overwrite "$_mark${1:+=}${1:--}" >/dev/null
}

# _lacking KEY: the arguments that the cluster's configuration has not
_lacking() { _wanted | grep -vxF -- "$(_of_cluster "$1" | sed 's/^/--/')" | paste -sd ' ' || true; }

_has_maps() { grep -qx 'apiVersion: kubeadm.k8s.io/v1beta[1-3]' <<<"$live"; }

# _of_cluster KEY: the arguments that the cluster's configuration has for a program, NAME=VALUE a line
_of_cluster() {
    local template='{{range .}}{{.name}}={{.value}}{{"\n"}}{{end}}'
    # shellcheck disable=SC2016 # $k and $v are the template's
    if _has_maps; then template='{{range $k, $v := .}}{{$k}}={{$v}}{{"\n"}}{{end}}'; fi
    kubectl patch --local -f - --type merge -p '{}' \
        -o "go-template={{with .$1}}{{with .extraArgs}}$template{{end}}{{end}}" <<<"$live"
}

# _upload with|without: ours are in the cluster's configuration, or are not; all else of it stays
_upload() {
    local live patch key said
    live=$(_live)
    patch=$(
        for key in "${_keys[@]}"; do
            if [[ $1 == without ]] && ! grep -qx "$(_program_of "$key")" "$(_noted)"; then continue; fi
            if ! grep -q "^$key:" <<<"$live"; then printf '{"op":"add","path":"/%s","value":{}},' "$key"; fi
            printf '{"op":"add","path":"/%s/extraArgs","value":%s},' "$key" "$(_arguments "$key" "$1")"
        done
    )
    if said=$(kubectl patch --local -f - --type json -p "[${patch%,}]" -o yaml <<<"$live" |
        kubeadm init phase upload-config kubeadm --config /dev/stdin 2>&1); then return 0; fi
    printf 'kubeadm-config was not written: %s\n' "${said##*$'\n'}" >&2
    return 1
}

_arguments() { # KEY with|without
    local lines
    lines=$(
        _of_cluster "$1" | grep -vxF -- "$(_wanted | sed 's/^--//')" || true
        if [[ $2 == with ]]; then _wanted | sed 's/^--//'; fi
    )
    lines=$(sed '/^$/d; s/[\\"]/\\&/g; s/^\([^=]*\)=\(.*\)/"\1":"\2"/' <<<"$lines")
    if _has_maps; then
        printf '{%s}' "$(paste -sd , <<<"$lines")"
    else
        printf '[%s]' "$(sed '/^$/d; s/^"\([^"]*\)":\(.*\)/{"name":"\1","value":\2}/' <<<"$lines" | paste -sd ,)"
    fi
}

_manifest() { printf '/etc/kubernetes/manifests/%s.yaml\n' "$1"; }

_noted() { printf '%s\n' "$GPU_METAL_HOME/controllers"; }

_program_of() { if [[ $1 == scheduler ]]; then echo kube-scheduler; else echo kube-controller-manager; fi; }

# Whose manifest did not have it
_note() {
    {
        cat "$(_noted)" 2>/dev/null || true
        printf '%s\n' "$1"
    } | LC_ALL=C sort -u | write_file "$(_noted)" 0600
}

# shellcheck disable=SC2154 # child.sh has gm_inputs
_wanted() { printf '%s\n' "${gm_inputs[@]}" | sed -n 's/^argument\./--/p'; }

_has() { grep -qsxF -- "    - $1" "$2"; }

_with() { awk -v line="    - $2" -v first="    - $1" '{ print } $0 == first { print line }' "$(_manifest "$1")"; }

_all_run() {
    local line
    while IFS= read -r line; do
        if ! _runs_with "$1" "$line"; then return 1; fi
    done < <(_wanted)
}

# Of the host, not one of a cluster in its pods
_runs_with() {
    local process own
    own=$(readlink /proc/self/ns/net)
    for process in $(pgrep -x "${1:0:15}"); do
        if [[ $(readlink "/proc/$process/ns/net" 2>/dev/null) == "$own" ]] && tr '\0' '\n' <"/proc/$process/cmdline" | grep -qxF -- "$2"; then
            return 0
        fi
    done
    return 1
}
