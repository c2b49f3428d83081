# The registry's port is free, or the registry's already, and the archives of its images are there.
# rows: C3
# inputs: port
# bulk: archives

check() {
    local port holder archive lacking=()
    port=$(input port)
    holder=$(port_holder "$port")
    if [[ -n $holder ]] && ! systemctl is-active -q gpu-metal-registry; then
        untrue "has in use: port $port ($holder); the registry wants it free." \
            "Fix: stop that program, or give registry another port"
    fi
    while read -r archive; do
        if [[ -n $archive && ! -r $archive ]]; then lacking+=("$archive"); fi
    done < <(bulk archives)
    if ((${#lacking[@]})); then
        untrue "has no file ${lacking[*]}, which registry.images names." \
            "Fix: copy it to this host: skopeo copy docker://IMAGE docker-archive:FILE makes one"
    fi
}
