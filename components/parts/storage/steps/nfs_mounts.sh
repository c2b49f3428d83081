# The share can be mounted here, and no mount of its server hangs.
# rows: S1 M3
# inputs: server path options
# uses: storage
#
# Each question ends in time. Nothing of a share is touched before its server has answered: what waits for a dark
# server can often not be killed. The try is mounted in a namespace of its own, which nobody else sees.
# Not undone: nothing is left of the try.

check() {
    local says
    says=$(_trouble)
    if [[ -n $says ]]; then untrue "$says"; fi
}

# A server that has just started lets nobody in at first.
apply() {
    local says
    for _ in {1..6}; do
        says=$(_trouble)
        if [[ -z $says ]]; then return; fi
        sleep 2
    done
    untrue "$says"
}

_trouble() {
    local server hang
    server=$(input server)
    if ! nfs_connects "$server" 5; then
        hang=$(nfs_mounted "$server" | wc -l)
        printf '%s does not answer on port 2049 within 5 s, and %s of its mounts here hang. Fix: %s' "$server" "$hang" \
            'start the NFS server there; its firewall must let this host in'
        return
    fi
    hang=$(_hanging "$server")
    if [[ -n $hang ]]; then
        printf '%s. Fix: restart the NFS server on %s; pods that still hang then: delete them' "$hang" "$server"
        return
    fi
    _try "$server"
}

# The first mount of the server's that does not answer; one for each share, as all of a share share their fate.
_hanging() {
    local source place said status
    while read -r source place; do
        status=0
        said=$(left_after 5 stat -f -c %T "$(printf '%b' "$place")") || status=$?
        case $status in
            0) ;;
            124) printf '%s of %s does not answer within 5 s' "$place" "$source" ;;
            *) printf '%s of %s cannot be read: %s' "$place" "$source" "${said##*: }" ;;
        esac
        if ((status)); then return; fi
    done < <(nfs_mounted "$1" | sort -u -k 1,1)
}

_try() {
    local said status=0
    # shellcheck disable=SC2016  # the inner bash expands it
    said=$(left_after 20 unshare --mount --propagation private bash -c '
        mount -t nfs -o "$2,retry=0" "$1" "$3" && stat -f -c %T "$3" >/dev/null && umount "$3"' \
        _ "$1:$(input path)" "$(input options)" "$GPU_METAL_RUN") || status=$?
    case $status in
        0) ;;
        124) printf '%s:%s is not mounted within 20 s. Fix: %s' "$1" "$(input path)" \
            'its log says whether it knows this client; try the mount there by hand' ;;
        *) printf '%s:%s cannot be mounted (%s). Fix: %s' "$1" "$(input path)" "$(tail -n 1 <<<"$said")" \
            'the server must export it to this host; storage.mountOptions must be what it takes' ;;
    esac
}
