# Each NFS server answers: a call of procedure 0 to its NFS service by TCP (RFC 5531), without any NFS tool.
# rows: H16
# inputs: servers

check() {
    local server said wrong=()
    for server in $(input servers); do
        said=$(_null_call "$server" || true)
        # An accepted reply: 0 is success; 2 means another version than 4, which is an NFS server too.
        if [[ ! $said =~ ^[0-9a-f]{8}676d0001'00000001''00000000'[0-9a-f]{16}0000000[02] ]]; then
            wrong+=("$server (${said:-silent})")
        fi
    done
    if ((${#wrong[@]})); then
        untrue "has no NFS answer from ${wrong[*]}, wants one at TCP port 2049." \
            "Fix: start the NFS server there, and let port 2049 through to it"
    fi
}

# shellcheck disable=SC2016  # expanded by the inner shell
# Record of 40 bytes: xid, call, RPC 2, program 100003 version 4, procedure 0, no credentials, no verifier.
_null_call() {
    timeout 5 bash -c '
        exec 3<>"/dev/tcp/$1/2049"
        printf "\x80\x00\x00\x28\x67\x6d\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa3" >&3
        printf "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" >&3
        head -c 28 <&3 | od -A n -t x1 -v | tr -d " \n"' _ "$1" 2>/dev/null
}
