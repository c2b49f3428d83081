# The registry has every image of the vendor's archive, by the digest that each had when it was pushed.
# rows: R2
# inputs: name folder sha256 images names user
# secrets: password
# limit: 14400
# uses: delivery
#
# `images` is REGISTRY/PATH, and `names` says where in it each image goes (_targets). Each image is written down as it is pushed: a run that was cut goes on, and of a cut push the
# registry has the layers already. The registry is trusted as this host's engine trusts it. The login stays on this host,
# readable by root only, so that check can ask the registry itself. undo leaves the images: pods may need them.

check() {
    local kind archive image target asked=()
    if [[ ! -s $(delivery_state images) ]]; then untrue "no images are known of the archive of $(input name)"; fi
    if [[ $(sed 's/"auth": "[A-Za-z0-9+\/=]*"/"auth": •/' "$(_auth)" 2>&1) != "$(_login •)" ]]; then
        untrue "$(_auth) is not the login of $(input user 'nobody') for $(_registry)"
    fi
    _unambiguous
    while read -r kind archive image target <&3; do
        if [[ -z $(_recorded "$target") ]]; then untrue "$target has not been pushed from ${archive##*/}"; fi
        # Eight at once: a hundred, one after the other, would take longer than a check may.
        if ((${#asked[@]} == 8)); then _answered; fi
        _same "$target" 3<&- &
        asked+=("$!")
    done 3< <(_wanted)
    _answered
}

# Waits for those that were asked, and fails like the first that failed.
_answered() {
    local pid
    for pid in "${asked[@]}"; do wait "$pid" || exit "$?"; done
    asked=()
}

_same() { # TARGET
    _ask "$1"
    if [[ $REPLY != "$(_recorded "$1")" ]]; then
        untrue "the registry has ${REPLY:-nothing} as $1, wants $(_recorded "$1")"
    fi
}

apply() {
    local kind archive image target new=0 all=0 login=''
    _unambiguous
    if [[ -n $(input user '') ]]; then login="\"$(_password | base64 -w 0)\""; fi
    _login "$login" | write_file "$(_auth)" 0600
    while read -r kind archive image target <&3; do
        all=$((all + 1))
        if [[ -n $(_recorded "$target") ]]; then
            _ask "$target"
            if [[ $REPLY == "$(_recorded "$target")" ]]; then continue; fi
        fi
        _push "$kind" "$archive" "$image" "$target"
        new=$((new + 1))
    done 3< <(_wanted)
    printf 'pushed %s of %s images to %s\n' "$new" "$all" "$(_registry)"
}

undo() {
    local count
    count=$(wc -l 2>/dev/null <"$(_record)" || true)
    if [[ -n $count ]]; then remark "left: $count images in $(_registry), which pods may need"; fi
    rm -f "$(_auth)" "$(_record)"
    rmdir "$(delivery_state .)" "$GPU_METAL_HOME/deliveries" 2>/dev/null || true
}

_registry() {
    local images
    images=$(input images)
    printf '%s\n' "${images%%/*}"
}

_auth() { delivery_state auth.json; }

# One line per image that we pushed: TARGET SHA-256-OF-ARCHIVE DIGEST
_record() { delivery_state pushed; }

_recorded() { # TARGET
    awk -v image="$1" -v sum="$(input sha256)" '$1 == image && $2 == sum { print $3 }' "$(_record)" 2>/dev/null || true
}

# `KIND ARCHIVE IMAGE TARGET` of each place where each image is to be
_wanted() {
    local kind archive image target
    while IFS=$'\t' read -r kind archive image; do
        while read -r target; do printf '%s %s %s %s\n' "$kind" "$archive" "$image" "$target"; done < <(_targets "$image" | sort -u)
    done <"$(delivery_state images)"
}

# Below `images` by the last part of its name; in the registry by its path, as engines ask a mirror for it.
_targets() { # IMAGE
    local path=$1
    if [[ $path != */* ]]; then
        path=library/$path
    elif [[ ${path%%/*} =~ [.:]|^localhost$ ]]; then
        path=${path#*/}
    fi
    if [[ $(input names) != path ]]; then printf '%s/%s\n' "$(input images)" "${1##*/}"; fi
    if [[ $(input names) != last ]]; then printf '%s/%s\n' "$(_registry)" "$path"; fi
}

# Two images must not overwrite each other.
_unambiguous() {
    local kind archive image target
    local -A first=()
    while read -r kind archive image target; do
        if [[ ${first[$target]-$image} != "$image" ]]; then
            untrue "${first[$target]} and $image would both be $target. Nothing was pushed." \
                "Fix: package.names: path, and engine.mirrors with $(_registry) for their registries"
        fi
        first[$target]=$image
    done < <(_wanted)
}

_password() {
    printf '%s:' "$(input user)"
    secret password | tr -d '\n'
}

# As docker login writes it; without a user, nobody has to log in. One line, so that check can see all but the password.
_login() { # AUTH
    if [[ -z $(input user '') ]]; then
        printf '{"auths": {}}\n'
    else
        printf '{"auths": {"%s": {"auth": %s}}}\n' "$(_registry)" "$1"
    fi
}

# _trust source|dest: flags by which skopeo trusts the registry as containerd does here; Docker's folder it knows itself.
_trust() {
    local way=$1 folder own=/etc/gpu-metal-registry
    folder=/etc/containerd/certs.d/$(_registry)
    if grep -qE '^ *skip_verify *= *true' "$folder/hosts.toml" 2>/dev/null; then
        printf -- '--%stls-verify=false\n' "$way"
    elif compgen -G "$folder/*.crt" >/dev/null; then
        printf -- '--%scert-dir=%s\n' "$way" "$folder"
    elif [[ $(cat "$own/address" 2>/dev/null) == "$(_registry)" ]]; then
        printf -- '--%scert-dir=%s\n' "$way" "$own/client"
    fi
}

# What it says goes to the file _said.
_skopeo() { timeout 3600 skopeo --insecure-policy --tmpdir "$(input folder)" "$@" </dev/null 2>"$_said"; }

# The digest that the registry has of an image → REPLY; empty if it has none
_ask() { # TARGET
    local trust raw=$GPU_METAL_RUN/manifest.$BASHPID _said=$GPU_METAL_RUN/skopeo.$BASHPID
    mapfile -t trust < <(_trust '')
    if _skopeo inspect --raw --authfile "$(_auth)" "${trust[@]}" "docker://$1" >"$raw"; then
        REPLY=sha256:$(sha256sum <"$raw" | cut -d' ' -f1)
    else
        REPLY=
        if ! grep -qE 'manifest unknown|name unknown|NAME_UNKNOWN|MANIFEST_UNKNOWN|StatusCode: 404' "$_said"; then
            _explain "cannot ask for $1"
        fi
    fi
    rm -f "$raw" "$_said"
}

_push() { # KIND ARCHIVE IMAGE TARGET
    local trust target=$4 digest=$GPU_METAL_RUN/digest _said=$GPU_METAL_RUN/skopeo.$BASHPID
    mapfile -t trust < <(_trust dest-)
    if ! _skopeo copy --authfile "$(_auth)" "${trust[@]}" --digestfile "$digest" \
        "$1:$(delivery_place)/$2:$3" "docker://$target"; then
        _explain "cannot push $3 to $target"
    fi
    {
        awk -v image="$target" '$1 != image' "$(_record)" 2>/dev/null || true
        printf '%s %s %s\n' "$target" "$(input sha256)" "$(cat "$digest")"
    } | write_file "$(_record)" 0600
    rm -f "$digest" "$_said"
}

# Fails with what skopeo said, and what to do.
_explain() { # WHAT
    local said fix
    said=$(grep '[^[:space:]]' "$_said" | tail -n 1 | sed -E 's/^time=.*msg="?//; s/"$//; s/\\"/"/g' | cut -b -300 || true)
    rm -f "$_said" "$GPU_METAL_RUN/manifest.$BASHPID"
    case $said in
        *unauthorized* | *'authentication required'* | *denied* | *'401'* | *'403'*)
            fix="let $(input user 'everybody') push there, or correct registry.username and the secret of registry.passwordSecret"
            ;;
        *x509* | *certificate*) fix="engine.registryCertificates: {\"$(_registry)\": FILE} with the authority that signed its certificate" ;;
        *'HTTP response to HTTPS'*) fix="engine.insecureRegistries: [\"$(_registry)\"], if it is to have no TLS" ;;
        *'no such host'* | *refused* | *timeout* | *unreachable*) fix="let this host reach $(_registry), or correct registry.images" ;;
        *'no space'* | *'received unexpected HTTP status'* | *'500'*) fix="look at the registry's own log and disk" ;;
        *) fix="mend what it says" ;;
    esac
    untrue "$1: ${said:-skopeo was killed}. Images that were pushed stay. Fix: $fix; then pulumi up, which goes on"
}
