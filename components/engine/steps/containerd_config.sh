# containerd's settings for Kubernetes are in a drop-in of our own, and no other file overrides them.
# rows: C2 C5 G8
# inputs: cgroup_driver restrict_oom_score_adj sandbox_image nvidia_runtime default_runtime enable_cdi
# uses: engine
#
# In config.toml only an `imports` line is added (and a `cri` that its packager disabled is enabled). The GPU Operator's
# toolkit adds a later file to the same folder, which is kept. containerd 1.x takes a plugin's whole section from the
# last file that has it: so the drop-in has all of it, and check names a later file that lacks some. What would be lost,
# or would not come into force, is read from containerd's own dump of the files as they would be, before any is written.
# Both files have the version that containerd writes, 3 from 2.x on; beside settings of others, that of theirs.
# The step `containerd` restarts the daemon, and only when its files changed.

check() {
    local refusal wanted
    if _holds; then return; fi
    refusal=$(_refusal)
    if [[ -n $refusal ]]; then untrue "$refusal"; fi
    if ! _main | same_file /etc/containerd/config.toml; then
        untrue "/etc/containerd/config.toml does not import conf.d"
    fi
    if ! _drop_in | same_file /etc/containerd/conf.d/50-gpu-metal.toml; then
        untrue "/etc/containerd/conf.d/50-gpu-metal.toml is not what the site's engine says"
    fi
    if ! containerd config dump >/dev/null 2>&1; then untrue "$(containerd config dump 2>&1 | tail -n 1)"; fi
    wanted=$(_lacking "$(containerd config dump | containerd_flat)")
    if [[ -n $wanted ]]; then
        untrue "has another value than $wanted in containerd's merged settings." \
            "Fix: grep -l ${wanted%% *} /etc/containerd/conf.d/*.toml names the file that comes after ours"
    fi
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
    engine_due containerd
    _mend
    _drop_in | write_file /etc/containerd/conf.d/50-gpu-metal.toml 0644
    _main | write_file /etc/containerd/config.toml 0644
}

undo() {
    engine_due containerd
    restore /etc/containerd/conf.d/50-gpu-metal.toml
    restore /etc/containerd/config.toml
    if engine_stale containerd; then engine_refresh containerd; fi
}

# A config.toml that was cut short is put back from what we kept.
_mend() {
    if [[ -s /etc/containerd/config.toml ]]; then
        if containerd_ours_alone || containerd config dump >/dev/null 2>&1; then return; fi
    fi
    restore /etc/containerd/config.toml
    keep /etc/containerd/config.toml
}

# → REPLY: the version in which config.toml and our file are to be: containerd's own, unless others' settings have another
_format() {
    containerd_declared
    if [[ -n $REPLY ]] && ! containerd_ours_alone; then return; fi
    if (($(containerd_major) > 1)); then REPLY=3; else REPLY=2; fi
}

# Does everything hold? Of files that are ours one dump tells it; of others several do, for the message.
_holds() {
    local dump settings
    containerd_declared
    if [[ $REPLY == 1 ]] || ! _main | same_file /etc/containerd/config.toml ||
        ! _drop_in | same_file /etc/containerd/conf.d/50-gpu-metal.toml; then return 1; fi
    dump=$(containerd config dump 2>/dev/null) || return
    settings=$(containerd_flat <<<"$dump")
    ! containerd_cri_off "$dump" && [[ -z $(_lacking "$settings") ]] && _loses_nothing "$settings"
}

# Prints why config.toml cannot be used; nothing when it can.
_refusal() {
    local file=/etc/containerd/config.toml declared said after lost
    if [[ ! -e $file ]]; then return; fi
    containerd_declared
    declared=$REPLY
    if [[ $declared == 1 ]] || { [[ -z $declared ]] && grep -qE '^\s*(\[\s*)?["'\'']?plugins\b' $file; }; then
        printf '%s has settings in version 1, wants 2 or later. Nothing was changed. Fix: %s' $file \
            "containerd config migrate >/root/config.toml && mv /root/config.toml $file"
        return
    fi
    if ! said=$(containerd --config $file config dump 2>&1 >/dev/null); then
        # One that was cut short is put back from what we kept; one of ours may be of another containerd.
        if kept $file || containerd_ours_alone; then return; fi
        printf '%s cannot be read: %s. Nothing was changed. Fix: mend it by hand: containerd config dump says where' \
            $file "${said##*$'\n'}"
        return
    fi
    after=$(_dump_of _after)
    said=$(_ineffective "$after")
    if [[ -n $said ]]; then
        printf '%s keeps our settings from coming into force: %s. Nothing was changed. Fix: %s' $file "$said" \
            "write its imports and its disabled_plugins on one line each, and take cri out of the latter"
        return
    fi
    after=$(containerd_flat <<<"$after")
    # containerd 2 joins the sections of all files.
    if _loses_nothing "$after" || (($(containerd_major) > 1)); then return; fi
    lost=$(_lost "$after" | sed 's/^.*"\.//' | head -n 3 | paste -sd ';')
    if [[ -n $lost ]]; then
        printf '%s sets "%s", which containerd 1.x would drop beside our file. Nothing was changed. Fix: %s' \
            $file "$lost" "take its io.containerd.grpc.v1.cri settings out, or use containerd 2 (package: containerd.io)"
    fi
}

# The first of our settings that would not be in force in the DUMP, or that CRI would be off.
_ineffective() { # DUMP
    if containerd_cri_off "$1"; then
        grep '^disabled_plugins = ' <<<"$1"
        return
    fi
    if compgen -G '/etc/containerd/conf.d/*.toml' >/dev/null; then return; fi # check names another file that wins
    _lacking "$(containerd_flat <<<"$1")"
}

# The first of our settings that the merged ones do not show.
_lacking() { # SETTINGS, as containerd_flat prints them
    local wanted
    while IFS= read -r wanted; do
        if [[ $1 != *"$wanted"* ]]; then
            printf '%s' "$wanted"
            return
        fi
    done < <(_in_force)
}

# Can containerd 1.x have dropped nothing of config.toml, by its text? Status 1 too where only its dumps can tell.
_loses_nothing() { # SETTINGS
    local line own ours
    containerd_declared
    if [[ $REPLY == 3 ]]; then return; fi
    while IFS= read -r line; do
        line=${line#"${line%%[![:space:]]*}"}
        line=${line%"${line##*[![:space:]]}"}
        case $line in
            '#'* | 'disabled_plugins '* | 'imports = ["/etc/containerd/conf.d/*.toml"]') ;;
            imports* | *'"""'* | *"'''"*) return 1 ;;
            '['*']') ;;
            *cri*) return 1 ;;
        esac
    done </etc/containerd/config.toml
    own=$(containerd_flat </etc/containerd/config.toml)
    ours=$'\n'$(_drop_in | containerd_flat)
    while IFS= read -r line; do
        if [[ -n $line && $ours != *$'\n'"${line%% = *} = "* && $'\n'$1$'\n' != *$'\n'"$line"$'\n'* ]]; then return 1; fi
    done <<<"$own"
}

# The lines of config.toml's CRI settings, as containerd reads them, that neither our file nor the outcome has.
_lost() { # SETTINGS
    local own
    own=$(comm -23 <(_dump_of _alone | containerd_flat | sort) <(_dump_of _plain | containerd_flat | sort))
    comm -23 <(printf '%s\n' "$own") <(sort <<<"$1") |
        awk -F ' = ' 'NR == FNR { ours[$1]; next } NF && !($1 in ours)' <(_drop_in | containerd_flat) -
}

# _dump_of FUNCTION: containerd's settings with the configuration that FUNCTION writes into the folder $1
_dump_of() {
    local folder
    folder=$(mktemp -d -p "$GPU_METAL_RUN")
    "$1" "$folder"
    containerd --config "$folder/config.toml" config dump 2>/dev/null || true
    rm -r "$folder"
}

_plain() { printf 'version = 2\n' >"$1/config.toml"; }

_alone() { sed -E '/^\s*imports\s*=/ s,"/etc/containerd/conf\.d/\*\.toml"(\,\s*)?,,' /etc/containerd/config.toml >"$1/config.toml"; }

_after() {
    mkdir "$1/conf.d"
    cp /etc/containerd/conf.d/*.toml "$1/conf.d" 2>/dev/null || true
    _drop_in >"$1/conf.d/50-gpu-metal.toml"
    _main | sed "s,\"/etc/containerd/conf\.d/\*\.toml\",\"$1/conf.d/*.toml\"," >"$1/config.toml"
}

# config.toml as it is, with `version` and `imports` on top and without a disabled `cri`.
_main() {
    local file=/etc/containerd/config.toml version
    if [[ ! -e $file ]]; then file=/dev/null; fi
    containerd_declared
    version=$REPLY
    _format
    awk -v version="$version" -v format="$REPLY" -v folder='"/etc/containerd/conf.d/*.toml"' '
        BEGIN {
            while ((getline line < ARGV[1]) > 0) if (line ~ /^[ \t]*imports[ \t]*=/) has_imports = 1
            close(ARGV[1])
            if (version == "") { print "version = " format; if (!has_imports) print "imports = [" folder "]" }
        }
        /^[ \t]*imports[ \t]*=/ && !index($0, folder) { sub(/\[/, "[" folder ", ") }
        version != "" && version != format && /^[ \t]*version[ \t]*=/ { sub(/[0-9]+/, format) }
        /^[ \t]*disabled_plugins[ \t]*=/ { gsub(/"(io\.containerd\.grpc\.v1\.)?cri",?[ \t]*/, "") }
        { print }
        /^[ \t]*version[ \t]*=/ && !has_imports { print "imports = [" folder "]" }
    ' "$file"
}

_drop_in() {
    _format
    printf '# gpu-metal\nversion = %s\n\n' "$REPLY"
    if ((REPLY == 2)); then _version_2; else _version_3; fi
}

_systemd_cgroup() {
    if [[ $(input cgroup_driver) == systemd ]]; then printf 'true'; else printf 'false'; fi
}

_version_2() {
    cat <<TOML
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$(input sandbox_image)"
restrict_oom_score_adj = $(input restrict_oom_score_adj)
$(_cdi)
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/opt/cni/bin"
conf_dir = "/etc/cni/net.d"
$(_runtimes io.containerd.grpc.v1.cri)
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
$(_cdi)$(_runtimes io.containerd.cri.v1.runtime)
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = $(_systemd_cgroup)
TOML
}

# The devices of GPUs by their CDI names; containerd before 1.7 leaves that to NVIDIA's runtime. 2.x has it on, and from 2.4
# on no key to turn it off: that key would be dropped with a warning.
_cdi() {
    if [[ -z $(input enable_cdi '') ]]; then return; fi
    if [[ $(containerd config default) == *' enable_cdi = '* ]]; then
        printf 'enable_cdi = %s\n' "$(input enable_cdi)"
    elif (($(containerd_major) < 2)); then
        return
    fi
    printf 'cdi_spec_dirs = ["/etc/cdi", "/var/run/cdi"]\n'
}

# _runtimes PLUGIN: NVIDIA's runtime beside runc, and which of them is the default
_runtimes() {
    local runtime
    runtime=$(input nvidia_runtime '')
    if [[ -n $(input default_runtime '') ]]; then
        printf '\n[plugins."%s".containerd]\ndefault_runtime_name = "%s"\n' "$1" "$(input default_runtime)"
    fi
    if [[ -n $runtime ]]; then
        printf '\n[plugins."%s".containerd.runtimes.nvidia]\nruntime_type = "io.containerd.runc.v2"\n' "$1"
        printf '\n[plugins."%s".containerd.runtimes.nvidia.options]\nBinaryName = "%s"\nSystemdCgroup = %s' \
            "$1" "$runtime" "$(_systemd_cgroup)"
    fi
}

# What the merged settings must show, in every version: parts of lines of containerd_flat.
_in_force() {
    printf '%s\n' \
        "SystemdCgroup = $(_systemd_cgroup)" \
        "restrict_oom_score_adj = $(input restrict_oom_score_adj)" \
        "sandbox = \"$(input sandbox_image)\"" \
        'config_path = "/etc/containerd/certs.d"'
    if [[ -n $(input nvidia_runtime '') ]]; then
        printf 'runtimes.nvidia.options.BinaryName = "%s"\n' "$(input nvidia_runtime)"
    fi
    if [[ -n $(input default_runtime '') ]]; then
        printf 'containerd.default_runtime_name = "%s"\n' "$(input default_runtime)"
    fi
    _cdi
}
