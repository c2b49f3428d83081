#!/usr/bin/env bash
# Runs on the registry's host, as root: what is in the site's private registry, and takes tags out of it with their space.
# usage: bash -s -- list | clean IMAGE…      IMAGE is NAME:TAG
# list prints `IMAGE DIGEST BYTES SECONDS` of each tag (BYTES: its layers and those of its parts, shared ones too; SECONDS:
# since it was pushed), and `disk FREE TOTAL`, in KiB. clean prints the same line `disk` after it.
set -euo pipefail
umask 077

config=/etc/gpu-metal-registry/config.yml
folder=$(sed -nE 's/.*rootdirectory: "(.*)".*/\1/p' "$config" 2>/dev/null) || true
if [[ -z $folder ]]; then
    printf 'has no registry of this project (%s). Fix: pulumi up\n' "$config" >&2
    exit 1
fi
root=$folder/docker/registry/v2

# blob DIGEST: its file
blob() { printf '%s/blobs/sha256/%s/%s/data' "$root" "${1:7:2}" "${1#sha256:}"; }

# parts DIGEST: the digests of the manifests in a list of them
parts() { if grep -q '"manifests"' "$(blob "$1")" 2>/dev/null; then grep -oE 'sha256:[0-9a-f]{64}' "$(blob "$1")"; fi; }

# bytes DIGEST: of the layers and the configuration that a manifest names
bytes() {
    local part sum=0
    if grep -q '"manifests"' "$(blob "$1")" 2>/dev/null; then
        for part in $(parts "$1"); do sum=$((sum + $(bytes "$part"))); done
        printf '%s' "$sum"
    else
        { grep -oE '"size": ?[0-9]+' "$(blob "$1")" 2>/dev/null || true; } | awk -F: '{ sum += $2 } END { printf "%d", sum }'
    fi
}

disk() { df -Pk "$folder" | awk 'NR == 2 { print "disk", $4, $2 }'; }

list() {
    local link tag name digest now
    now=$(date +%s)
    while read -r link; do
        digest=$(<"$link") tag=${link%/current/link}
        name=${tag%/_manifests/tags/*} tag=${tag##*/}
        printf '%s:%s %s %s %s\n' "${name#"$root/repositories/"}" "$tag" "$digest" "$(bytes "$digest")" \
            "$((now - $(stat -c %Y "$link")))"
    done < <(find "$root/repositories" -path '*/_manifests/tags/*/current/link' 2>/dev/null | sort)
}

# untag NAME TAG: the tag, and its manifest and the parts of that, unless something else of the repository has them
untag() {
    local manifests=$root/repositories/$1/_manifests digest part
    if [[ ! -e $manifests/tags/$2/current/link ]]; then return; fi
    digest=$(<"$manifests/tags/$2/current/link")
    rm -rf -- "${manifests:?}/tags/$2"
    for part in "$digest" $(parts "$digest"); do
        if ! needed "$manifests" "$part"; then rm -rf -- "${manifests:?}/revisions/sha256/${part#sha256:}"; fi
    done
}

# needed MANIFESTS DIGEST: does a tag lead to it, or a list of manifests that is there still?
needed() {
    local revision
    if grep -rqxF --include link "$2" "$1"/tags/*/current 2>/dev/null; then return; fi
    for revision in "$1"/revisions/sha256/*; do
        revision=sha256:${revision##*/}
        if [[ $revision != "$2" ]] && parts "$revision" | grep -qxF "$2"; then return; fi
    done
    return 1
}

clean() {
    local image program status=0
    program=$(command -v docker-registry || command -v registry)
    # Nobody pushes meanwhile: a layer that has arrived without its manifest would be collected.
    systemctl stop gpu-metal-registry
    for image in "$@"; do untag "${image%:*}" "${image##*:}"; done
    runuser -u gpu-metal-registry -- "$program" garbage-collect "$config" >/dev/null || status=$?
    systemctl start gpu-metal-registry
    if ((status)); then
        printf 'has a registry that cannot collect what nobody needs (status %s). Fix: repeat\n' "$status" >&2
        exit 1
    fi
}

case $1 in
    list) list ;;
    clean) clean "${@:2}" ;;
esac
disk
