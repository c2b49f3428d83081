# The host's state before Docker is recorded, so that undo can remove what Docker leaves outside its packages.
# rows: C1
# inputs: data_root
#
# Volumes are people's data: as long as there is one, undo leaves the folder of volumes where it is and says so.

check() {
    if [[ ! -s $GPU_METAL_HOME/docker-before ]]; then untrue "the host's state before Docker is not recorded"; fi
}

apply() {
    {
        printf 'docker=%s\n' "$(if command -v dockerd >/dev/null; then echo yes; else echo no; fi)"
        printf 'group=%s\n' "$(if getent group docker >/dev/null; then echo yes; else echo no; fi)"
        printf 'forward=%s\nforward6=%s\n' "$(_forward)" "$(_forward 6)"
    } | write_file "$GPU_METAL_HOME/docker-before" 0600
}

undo() {
    local root
    root=$(input data_root)
    while grep -q '^gpu-metal-cover /var/lib/docker ' /proc/self/mounts; do umount /var/lib/docker; done
    if ! command -v dockerd >/dev/null && grep -qx docker=no "$GPU_METAL_HOME/docker-before"; then
        _clear "$root"
        rm -f /etc/docker/key.json
        # containerd creates the CNI folders and leaves them empty. Others' settings, such as podman's, stay.
        rmdir "$root" /etc/docker /etc/cni/net.d /etc/cni 2>/dev/null || true
        if ip link show docker0 >/dev/null 2>&1; then ip link delete docker0; fi
        _network_rules
        if grep -qx group=no "$GPU_METAL_HOME/docker-before" && getent group docker >/dev/null; then groupdel docker; fi
    fi
    rm -f "$GPU_METAL_HOME/docker-before"
}

# Docker's own folders, by name: the data root may be a disk with other things on it.
_clear() {
    local root=$1 part parts
    parts="buildkit containerd containers engine-id fuse-overlayfs image network nuke-graph-directory.sh overlay2"
    parts+=" plugins runtimes swarm tmp trust vfs"
    if [[ -z $(_volumes "$root") ]]; then
        parts+=" volumes"
    else
        remark "left: the volumes $(_volumes "$root" | paste -sd ' ') in $root/volumes"
    fi
    for part in $parts; do
        awk -v "folder=$root/$part/" 'index($2, folder) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r umount
        rm -rf --one-file-system -- "${root:?}/$part"
    done
}

_volumes() {
    find "$1/volumes" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null || true
}

# Removes Docker's chains and rules, and its FORWARD policy, which would stop another engine's traffic. A policy that a
# firewall had set before stays.
_network_rules() {
    local six table save policy
    for six in '' 6; do
        save=ip${six}tables-save policy='s/^:FORWARD DROP/:FORWARD ACCEPT/'
        if grep -qx "forward$six=DROP" "$GPU_METAL_HOME/docker-before"; then policy=''; fi
        for table in nat filter; do
            if $save -t $table 2>/dev/null | grep DOCKER >/dev/null; then
                $save -t $table | grep -vE 'DOCKER|docker0' | sed "$policy" | ip${six}tables-restore -T $table
            fi
        done
    done
}

# _forward [6]: the policy of the chain FORWARD; empty without such a chain
_forward() {
    "ip${1-}tables-save" -t filter 2>/dev/null | sed -nE 's/^:FORWARD ([A-Z]+).*/\1/p' || true
}
