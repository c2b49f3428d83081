# Containers know the users and groups that this host knows.
# rows: F2
# inputs: folder people
#
# Shifter lays these files over /etc of every container.

check() {
    local name
    for name in passwd group nsswitch.conf; do
        if ! "_$name" | same_file "$(input folder)/$name"; then untrue "$(input folder)/$name differs from this host's"; fi
        if [[ $(stat -Lc '%a %U' "$(input folder)/$name") != '644 root' ]]; then
            untrue "$(input folder)/$name is not root's with mode 644"
        fi
    done
}

apply() {
    local name former
    former=$(previous folder)
    if [[ -n $former && $former != $(input folder) ]]; then
        for name in passwd group nsswitch.conf; do restore "$former/$name"; done
        rmdir "$former" 2>/dev/null || true
    fi
    for name in passwd group nsswitch.conf; do
        keep "$(input folder)/$name"
        "_$name" | write_file "$(input folder)/$name" 0644 root:root
    done
}

undo() {
    local name
    for name in passwd group nsswitch.conf; do restore "$(input folder)/$name"; done
}

_passwd() { getent passwd; }

_group() { getent group; }

# Containers use no directory service.
_nsswitch.conf() {
    printf '%s\n' '# gpu-metal' 'passwd: files' 'group: files' 'shadow: files' 'hosts: files dns' 'services: files' \
        'networks: files' 'protocols: files' 'rpc: files' 'ethers: files' 'netgroup: files'
}
