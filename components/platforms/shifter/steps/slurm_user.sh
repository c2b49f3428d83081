# The user slurm has the site's id: Slurm's daemons trust each other by it.
# rows: F6
# inputs: uid

check() {
    local seen
    seen=$(id -u slurm 2>/dev/null || true)
    if [[ $seen != $(input uid) ]]; then
        untrue "the user slurm has ${seen:-no} id, wants $(input uid)." \
            "Fix: give it that id, or write slurm.uid if it has another one on all hosts"
    fi
}

apply() {
    local other
    other=$({ getent passwd "$(input uid)" || true; } | cut -d: -f1)
    if [[ -n $other && $other != slurm ]]; then
        untrue "the id $(input uid) is that of $other. Fix: write another slurm.uid that is free on all hosts"
    fi
    # An existing user may own files: its id is not changed here.
    if getent passwd slurm >/dev/null; then return; fi
    write_file "$(_ours)" 0600 <<<ours
    if ! getent group slurm >/dev/null; then groupadd --system --gid "$(input uid)" slurm; fi
    useradd --system --uid "$(input uid)" --gid slurm --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin slurm
}

undo() {
    if [[ ! -e $(_ours) ]]; then return; fi
    if getent passwd slurm >/dev/null; then userdel slurm; fi
    if getent group slurm >/dev/null; then groupdel slurm; fi
    rm -f "$(_ours)"
}

_ours() {
    printf '%s/slurm-user' "$GPU_METAL_HOME"
}
