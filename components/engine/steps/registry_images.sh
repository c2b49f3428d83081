# The registry has the site's images, by tag and digest, and none that the site dropped.
# rows: C3
# inputs: one key per image, NAME:TAG; its archive and the archive's SHA-256, separated by a blank
# limit: 7200
#
# check asks the registry itself. A dropped image is deleted by its digest, unless another tag has the same; the
# registry stops for a moment while its unused layers are collected.

check() {
    local image digest seen
    for image in $(_wanted); do
        digest=$(_recorded "$image")
        seen=$(_digest "$image")
        if [[ -z $digest ]]; then untrue "$image has not been pushed from $(_archive "$image")"; fi
        if [[ $seen != "$digest" ]]; then untrue "the registry has ${seen:-nothing} as $image, wants $digest"; fi
    done
    for image in $(_strays); do untrue "the registry has $image, which the site no longer names"; done
}

apply() {
    local image
    # shellcheck disable=SC2046  # one word is one image
    _drop $(_strays)
    for image in $(_wanted); do
        if [[ -z $(_recorded "$image") || $(_digest "$image") != "$(_recorded "$image")" ]]; then _push "$image"; fi
    done
}

undo() {
    if systemctl is-active -q gpu-metal-registry; then
        # shellcheck disable=SC2046
        _drop $(cut -d' ' -f1 "$(_record)" 2>/dev/null)
    fi
    rm -f "$(_record)"
}

_wanted() {
    inputs | cut -d= -f1
}

_archive() {
    input "$1" | cut -d' ' -f1
}

# One line per image that we pushed: NAME:TAG SHA-256-OF-ARCHIVE DIGEST
_record() {
    printf '%s/registry-images' "$GPU_METAL_HOME"
}

# The digest that an image got when it was pushed from its present archive.
_recorded() {
    awk -v image="$1" -v sum="$(input "$1" | cut -d' ' -f2)" '$1 == image && $2 == sum { print $3 }' \
        "$(_record)" 2>/dev/null || true
}

_strays() {
    comm -23 <(cut -d' ' -f1 "$(_record)" 2>/dev/null | sort) <(_wanted | sort)
}

_skopeo() {
    local verb=$1
    shift
    # Without a proxy, since the registry is on this host; and with our logins, not those in HOME.
    env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY \
        timeout 600 skopeo --insecure-policy "$verb" --authfile /etc/gpu-metal-registry/auth.json "$@"
}

_url() {
    printf 'docker://%s/%s' "$(cat /etc/gpu-metal-registry/address)" "$1"
}

_folder() {
    sed -nE 's/.*rootdirectory: "(.*)".*/\1/p' /etc/gpu-metal-registry/config.yml
}

# The registry's digest of an image; nothing when it has none.
_digest() {
    _skopeo inspect --cert-dir /etc/gpu-metal-registry/client --format '{{.Digest}}' "$(_url "$1")" 2>/dev/null || true
}

_push() {
    local image=$1 archive sum seen digest=$GPU_METAL_RUN/digest
    archive=$(_archive "$image") sum=$(input "$image" | cut -d' ' -f2)
    if [[ ! -r $archive ]]; then untrue "has no $archive, which registry.images.$image names. Fix: copy it to this host"; fi
    seen=$(sha256sum <"$archive" | cut -d' ' -f1)
    if [[ $seen != "$sum" ]]; then
        untrue "$archive has SHA-256 $seen, wants $sum. Nothing was pushed." \
            "Fix: copy the archive again, or correct registry.images.$image.sha256"
    fi
    _room "$archive"
    _skopeo copy --dest-cert-dir /etc/gpu-metal-registry/client --digestfile "$digest" \
        "$(_kind "$archive"):$archive" "$(_url "$image")"
    _forget "$image"
    {
        cat "$(_record)" 2>/dev/null || true
        printf '%s %s %s\n' "$image" "$sum" "$(cat "$digest")"
    } |
        write_file "$(_record)" 0600
    rm -f "$digest"
}

# docker save and skopeo write a manifest.json; where both kinds are in one file, that is the one with the tags.
_kind() {
    if tar -tf "$1" | grep -x 'manifest.json' >/dev/null; then printf 'docker-archive'; else printf 'oci-archive'; fi
}

# Checked first, since a push that fails halfway would fill the disk further.
_room() {
    local folder free size
    folder=$(_folder)
    free=$(df -B1 --output=avail "$folder" | tail -n 1)
    size=$(stat -Lc %s "$1")
    if ((free < size)); then
        untrue "$folder has $((free / 1000000)) MB free, $1 needs $((size / 1000000 + 1)) MB." \
            "Fix: free some space there, or give registry.folder another disk"
    fi
}

_forget() {
    if [[ -e $(_record) ]]; then awk -v image="$1" '$1 != image' "$(_record)" | write_file "$(_record)" 0600; fi
}

_drop() {
    local image
    if (($# == 0)); then return; fi
    for image in "$@"; do
        if [[ -n $(_digest "$image") ]]; then _delete "$image"; fi
        _forget "$image"
    done
    _collect
}

# The protocol deletes a digest with all its tags: if another tag has the same digest, only this tag is deleted.
_delete() {
    local image=$1 tags
    tags=$(_folder)/docker/registry/v2/repositories/${image%:*}/_manifests/tags
    if (($(grep -lxF "$(_digest "$image")" "$tags"/*/current/link | wc -l) > 1)); then
        rm -rf -- "${tags:?}/${image##*:}"
    else
        _skopeo delete --cert-dir /etc/gpu-metal-registry/client "$(_url "$image")"
    fi
}

_collect() {
    local status=0
    if [[ ! -d $(_folder)/docker/registry/v2/repositories ]]; then return; fi
    systemctl stop gpu-metal-registry
    runuser -u gpu-metal-registry -- "$(os_path registry_program)" garbage-collect \
        /etc/gpu-metal-registry/config.yml || status=$?
    systemctl start gpu-metal-registry
    # A started registry does not listen at once.
    port_opens "$(sed 's/.*://' /etc/gpu-metal-registry/address)" 30 || true
    return "$status"
}
