# containerd's settings for Kubernetes are in force, from a drop-in of our own.
# inputs: cgroup_driver restrict_oom_score_adj sandbox_image
#
# config.toml stays as it was but for an `imports` line (and a `cri` that its packager disabled): the GPU Operator's
# toolkit adds a later file to the same folder, and it is kept. containerd 1.x takes a plugin's section from the last
# file that has it, whole: so the drop-in has all of it. The daemon is restarted only when its files changed, since a
# restart can cost running containers their GPUs; the mark `due` survives a cut between change and restart.

check() {
    local refusal wanted settings
    refusal=$(_refusal)
    if [[ -n $refusal ]]; then untrue "$refusal"; fi
    if ! _main | same_file /etc/containerd/config.toml; then
        untrue "/etc/containerd/config.toml does not import conf.d"
    fi
    if ! _drop_in | same_file /etc/containerd/conf.d/50-gpu-metal.toml; then
        untrue "/etc/containerd/conf.d/50-gpu-metal.toml is not what the site's engine says"
    fi
    if ! containerd config dump >/dev/null 2>&1; then untrue "$(containerd config dump 2>&1 | tail -n 1)"; fi
    settings=$(containerd config dump | _flat)
    while read -r wanted; do
        if ! printf '%s\n' "$settings" | grep -F "$wanted" >/dev/null; then
            untrue "has another value than $wanted in containerd's merged settings." \
                "Fix: grep -l ${wanted%% *} /etc/containerd/conf.d/*.toml names the file that comes after ours"
        fi
    done < <(_in_force)
    if [[ -e $GPU_METAL_HOME/containerd-restart-due ]]; then untrue "containerd runs with older settings"; fi
}

apply() {
    local refusal
    refusal=$(_refusal)
    if [[ -n $refusal ]]; then
        printf '%s\n' "$refusal" >&2
        return 1
    fi
    keep /etc/containerd/config.toml
    keep /etc/containerd/conf.d/50-gpu-metal.toml
    write_file "$GPU_METAL_HOME/containerd-restart-due" 0600 <<<due
    _drop_in | write_file /etc/containerd/conf.d/50-gpu-metal.toml 0644
    _mend
    _main | write_file /etc/containerd/config.toml 0644
    systemctl restart containerd
    rm -f "$GPU_METAL_HOME/containerd-restart-due"
}

undo() {
    restore /etc/containerd/conf.d/50-gpu-metal.toml
    restore /etc/containerd/config.toml
    rm -f "$GPU_METAL_HOME/containerd-restart-due"
    systemctl try-restart containerd
}

# A config.toml that was cut short is put back from what we kept.
_mend() {
    if [[ -s /etc/containerd/config.toml ]] && containerd config dump >/dev/null 2>&1; then return; fi
    restore /etc/containerd/config.toml
    keep /etc/containerd/config.toml
}

_major() {
    containerd --version | sed -E 's/.* v?([0-9]+)\.[0-9]+\.[0-9]+.*/\1/'
}

# The version that config.toml declares: all files must have one, or keys of the older one are lost.
_declared() {
    sed -nE 's/^\s*version\s*=\s*([0-9]+).*/\1/p' /etc/containerd/config.toml 2>/dev/null || true
}

_format() {
    local declared
    declared=$(_declared)
    if [[ -n $declared ]]; then
        printf '%s\n' "$declared"
    elif (($(_major) > 1)); then
        printf '3\n'
    else
        printf '2\n'
    fi
}

# Why config.toml cannot be worked with; nothing when it can.
_refusal() {
    local file=/etc/containerd/config.toml declared own
    if [[ ! -e $file ]]; then return; fi
    declared=$(_declared)
    if [[ $declared == 1 ]] || { [[ -z $declared ]] && grep -q '^\s*\[plugins' $file; }; then
        printf '%s has settings in version 1, wants 2 or later. Nothing was changed. Fix: %s' $file \
            "containerd config migrate >/root/config.toml && mv /root/config.toml $file"
        return
    fi
    if (($(_major) > 1)); then return; fi
    own=$(_flat <$file | awk '!/\.cni\.(bin|conf)_dir = / { sub(/^.*"\./, ""); print; exit }')
    if [[ -n $own ]]; then
        printf '%s sets "%s", which containerd 1.x would drop beside our file. Nothing was changed. Fix: %s' \
            $file "$own" "take its io.containerd.grpc.v1.cri settings out, or use containerd 2 (package: containerd.io)"
    fi
}

# config.toml as it is, with `version` and `imports` on top and without a disabled `cri`.
_main() {
    local file=/etc/containerd/config.toml
    if [[ ! -e $file ]]; then file=/dev/null; fi
    awk -v version="$(_declared)" -v format="$(_format)" -v folder='"/etc/containerd/conf.d/*.toml"' '
        BEGIN {
            while ((getline line < ARGV[1]) > 0) if (line ~ /^[ \t]*imports[ \t]*=/) has_imports = 1
            close(ARGV[1])
            if (version == "") { print "version = " format; if (!has_imports) print "imports = [" folder "]" }
        }
        /^[ \t]*imports[ \t]*=/ && !index($0, folder) { sub(/\[/, "[" folder ", ") }
        /^[ \t]*disabled_plugins[ \t]*=/ { gsub(/"(io\.containerd\.grpc\.v1\.)?cri",?[ \t]*/, "") }
        { print }
        /^[ \t]*version[ \t]*=/ && !has_imports { print "imports = [" folder "]" }
    ' "$file"
}

_drop_in() {
    printf '# gpu-metal\nversion = %s\n\n' "$(_format)"
    if (($(_format) == 2)); then _version_2; else _version_3; fi
}

_systemd_cgroup() {
    if [[ $(input cgroup_driver) == systemd ]]; then printf 'true'; else printf 'false'; fi
}

_version_2() {
    cat <<TOML
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$(input sandbox_image)"
restrict_oom_score_adj = $(input restrict_oom_score_adj)

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/opt/cni/bin"
conf_dir = "/etc/cni/net.d"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = $(_systemd_cgroup)

[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "/etc/containerd/certs.d"
TOML
}

# cni: /opt/cni/bin and /etc/cni/net.d are the defaults, and `bin_dir` was renamed within 2.x.
_version_3() {
    cat <<TOML
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "$(input sandbox_image)"

[plugins."io.containerd.cri.v1.images".registry]
config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = $(input restrict_oom_score_adj)

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = $(_systemd_cgroup)
TOML
}

# What the merged settings must show, in every version: parts of lines of _flat.
_in_force() {
    printf '%s\n' \
        "SystemdCgroup = $(_systemd_cgroup)" \
        "restrict_oom_score_adj = $(input restrict_oom_score_adj)" \
        "sandbox = \"$(input sandbox_image)\"" \
        'config_path = "/etc/containerd/certs.d"'
}

# The CRI settings as one line per value: section.key = value, in double quotes. 2.x calls sandbox_image sandbox.
_flat() {
    tr "'" '"' | awk '
        { gsub(/^[ \t]+|[ \t]+$/, "") }
        /^\[/ { section = substr($0, 2, length($0) - 2); next }
        /^#/ || !/=/ || section !~ /\.cri/ { next }
        { sub(/[ \t]*=[ \t]*/, " = "); sub(/^sandbox_image /, "sandbox "); print section "." $0 }
    '
}
