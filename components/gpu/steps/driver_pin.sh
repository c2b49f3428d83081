# Packages of the NVIDIA driver come from one branch only, and no automatic upgrade touches them or the kernel.
# rows: G3 G8
# inputs: wanted stream
# uses: gpu
#
# With apt: a pin above everything that is installed, as in NVIDIA's guide on version locking. With dnf on RHEL 8 and 9:
# the module's stream; later releases have no streams, and the driver is held at its installed version.

check() {
    local file
    for file in $(_files); do
        if ! _wanted "$file" | same_file "$file"; then untrue "$file is not what the driver's branch asks for"; fi
    done
    if [[ $(os_family) == debian ]]; then _is_in_force; fi
    if _has_streams && [[ $(_stream) != "$(input stream)" ]]; then
        untrue "has stream $(_stream | grep . || printf none) of the module nvidia-driver, wants $(input stream)"
    fi
}

apply() {
    local file
    for file in $(_files); do
        keep "$file"
        _wanted "$file" | write_file "$file" 0644
    done
    if _has_streams && [[ $(_stream) != "$(input stream)" ]]; then
        dnf_run -q module reset nvidia-driver
        dnf_run -q module enable "nvidia-driver:$(input stream)"
    fi
}

undo() {
    local file
    for file in $(_files); do restore "$file"; done
    if _has_streams; then dnf_run -q module reset nvidia-driver; fi
}

# What apt would install in the place of each installed package of the driver: another's pin may come first.
_is_in_force() {
    local wanted name seen others
    wanted=$(gpu_glob "$(input wanted)")
    while read -r name seen; do
        # shellcheck disable=SC2053  # a glob is meant
        if [[ $seen != $wanted ]]; then
            others=$(grep -lsiE '^Package:(.*(nvidia|cuda)|[[:space:]]*[*][[:space:]]*$)' \
                /etc/apt/preferences /etc/apt/preferences.d/* || true)
            others=$(grep -vF gpu-metal-nvidia <<<"$others" | paste -sd ' ' || true)
            untrue "apt would replace $name by $seen, wants $wanted only: another pin wins over ours." \
                "Fix: take the driver's packages out of ${others:-the pins that apt-cache policy $name shows}"
        fi
    done < <(_parts "$wanted" | xargs -r apt-cache policy |
        awk '/^[^ ]/ { sub(":$", ""); name = $1 } $1 == "Candidate:" { print name, $2 }')
}

# The installed packages of the driver's own version
_parts() { # GLOB
    local state name version
    while read -r state name version; do
        # shellcheck disable=SC2053  # a glob is meant
        if [[ $state == installed && $version == $1 ]]; then printf '%s\n' "$name"; fi
    done < <(dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' '*nvidia*' 2>/dev/null || true)
}

# dnf's automatic upgrades have one file of settings, and a host without them has none.
_files() {
    if [[ $(os_family) == debian ]]; then
        printf '/etc/apt/%s\n' preferences.d/gpu-metal-nvidia apt.conf.d/90gpu-metal-nvidia
    elif [[ -e /etc/dnf/automatic.conf ]]; then
        printf '/etc/dnf/automatic.conf\n'
    fi
}

# Settings come first and make up less than half of the file: they must be whole in a truncated one, or apt refuses all
# work.
_wanted() {
    case $1 in
        */preferences.d/*)
            printf 'Package: src:*nvidia*:any src:cuda-drivers:any src:cuda-compat:any\n'
            printf 'Pin: version %s\nPin-Priority: 1001\n' "$(gpu_glob "$(input wanted)")"
            printf 'Explanation: gpu-metal: %s\n' "the driver's branch is what the site says, and its parts are of one version"
            ;;
        */apt.conf.d/*)
            printf 'Unattended-Upgrade::Package-Blacklist { "(lib)?nvidia-"; "cuda-drivers"; "%s"; };\n' \
                'linux-(image|headers|modules)-'
            printf '// gpu-metal: %s\n' "driver files or a kernel that are upgraded on their own leave jobs without" \
                "GPUs until the next restart. To upgrade them, change the site."
            ;;
        *) _automatic ;;
    esac
}

# The settings with our names among what [base] excludes
_automatic() {
    awk -v ours='kernel* *nvidia* cuda-drivers' '
        /^\[/ { if (base && !done) { print "excludepkgs = " ours; done = 1 } base = /^\[base\]/ }
        base && /^exclude(pkgs)? *=/ { if (!index($0, ours)) $0 = $0 " " ours; done = 1 }
        { print }
        END { if (base && !done) print "excludepkgs = " ours; else if (!done) print "[base]\nexcludepkgs = " ours }
    ' /etc/dnf/automatic.conf
}

_has_streams() { [[ $(os_family) == rhel && $(os_version) =~ ^[89] ]]; }

_stream() {
    dnf -q module list --enabled nvidia-driver 2>/dev/null | awk '$1 == "nvidia-driver" && /\[e\]/ { print $2; exit }'
}
