# The vendor's archive has the site's checksum, and is unpacked completely; the charts that the site needs are in it.
# rows: R2
# inputs: name folder sha256 free_gb file url archive charts
# limit: 14400
# uses: delivery
#
# `archive` is where the archive was sent to, or is fetched to; it is removed once it is unpacked, `file` is not. What was
# unpacked of another archive is removed once this one is there. Images and charts are found by what they are: a tar with
# manifest.json (docker save) or oci-layout is one of images, one with NAME/Chart.yaml is a chart.

check() {
    if ! delivery_unpacked; then untrue "$(delivery_place) has not been unpacked from the site's archive"; fi
    if ! delivery_whole; then untrue "$(delivery_place) is not as it was unpacked"; fi
    _check_charts
    if [[ -n $(_others) ]]; then untrue "has still $(_others)"; fi
}

apply() {
    local other
    if ! delivery_whole; then _unpack; fi
    _check_charts
    for other in $(_others); do
        rm -rf -- "$other"
        rmdir -- "${other%/*}" 2>/dev/null || true
    done
}

undo() {
    local folder
    for folder in "$(input folder)" "$(previous folder)"; do
        if [[ -n $folder ]]; then _clear "$folder"; fi
    done
    rm -f "$(delivery_state unpacked)" "$(delivery_state images)" "$(delivery_state charts)"
    rmdir "$(delivery_state .)" "$GPU_METAL_HOME/deliveries" 2>/dev/null || true
}

_clear() { # FOLDER
    rm -rf -- "$1/$(input name)"-???????????? "$1/.$(input name).new" "$(input archive)" "$(input archive).part"
    rmdir "$1" 2>/dev/null || true
}

# Folders of this delivery that are not the wanted one
_others() {
    local folder place
    for folder in "$(input folder)" "$(previous folder)"; do
        for place in "$folder/$(input name)"-????????????; do
            if [[ -d $place && $place != "$(delivery_place)" ]]; then printf '%s\n' "$place"; fi
        done
    done | sort -u
}

_unpack() {
    local staged
    staged=$(input folder)/.$(input name).new
    if ! delivery_unpacked; then delivery_room; fi
    rm -rf -- "$staged"
    if [[ ! -d $(input folder) ]]; then install -d -m 0700 "$(input folder)"; fi
    _bring
    mkdir -m 0700 -- "$staged"
    _untar "$staged"
    _index "$staged"
    { input sha256 && delivery_listing "$staged"; } | write_file "$(delivery_state unpacked)" 0600
    rm -rf -- "$(delivery_place)"
    mv -T -- "$staged" "$(delivery_place)"
    rm -f -- "$(input archive)"
}

# The archive on this host, compared with the site's checksum → _archive
_bring() {
    local seen fix="copy it again and compare with what the vendor says; then correct package.sha256"
    _archive=$(input file '')
    if [[ -z $_archive ]]; then
        _archive=$(input archive)
        if [[ -n $(input url '') && ! -s $_archive ]]; then
            fetched "$(os_text "$(input url)")" "$_archive" "the archive of $(input name)" 'or write package.file'
        fi
    fi
    if [[ ! -r $_archive ]]; then
        untrue "has no file $_archive, wants the archive of $(input name) there. Fix: copy it to this host"
    fi
    seen=$(sha256sum <"$_archive")
    if [[ ${seen%% *} == "$(input sha256)" ]]; then return; fi
    # A cut or wrong one would be in the way of the next transfer.
    rm -f -- "$(input archive)"
    untrue "The archive of $(input name) has SHA-256 ${seen%% *}, wants $(input sha256). It was not used. Fix: $fix"
}

_untar() { # FOLDER
    local log=$GPU_METAL_RUN/untar
    if tar -xf "$_archive" --no-same-owner -C "$1" 2>"$log"; then return; fi
    rm -rf -- "$1"
    untrue "The archive of $(input name) cannot be unpacked in $(input folder), where" \
        "$(df -h --output=avail "$(input folder)" | tail -n 1 | tr -d ' ') are free: $(tail -n 1 "$log")." \
        "Fix: make room there; if there is room, the vendor's file is cut although its checksum is the site's: get it again"
}

# Writes down the images and charts of a folder: `KIND ARCHIVE IMAGE`, tabs between, and `NAME=VERSION`.
_index() { # FOLDER
    local file names images=$GPU_METAL_RUN/images charts=$GPU_METAL_RUN/charts
    : >"$images"
    : >"$charts"
    while IFS= read -r -d '' file; do
        names=$(tar -tf "$1/$file" 2>/dev/null) || continue
        if grep -qxE '(\./)?manifest\.json' <<<"$names"; then
            _named docker-archive "$1" "$file" "$(grep -xE '(\./)?manifest\.json' <<<"$names")" '.[].RepoTags[]?'
        elif grep -qxE '(\./)?oci-layout' <<<"$names"; then
            _named oci-archive "$1" "$file" "$(grep -xE '(\./)?index\.json' <<<"$names")" \
                '.manifests[].annotations["org.opencontainers.image.ref.name"] // empty'
        elif grep -qxE '[^/]+/Chart\.yaml' <<<"$names"; then
            _chart "$1" "$file" "$(grep -m 1 -xE '[^/]+/Chart\.yaml' <<<"$names")"
        fi
    done < <(cd "$1" && find . -type f \( -name '*.tar' -o -name '*.tar.*' -o -name '*.tgz' \) -printf '%P\0' | LC_ALL=C sort -z)
    if [[ ! -s $images ]]; then
        untrue "The archive of $(input name) has no archive of images (docker save, OCI) in it. It was not used." \
            "Fix: name the vendor's archive for sites without internet in package"
    fi
    write_file "$(delivery_state images)" 0600 <"$images"
    write_file "$(delivery_state charts)" 0600 <"$charts"
}

_named() { # KIND FOLDER ARCHIVE MEMBER QUERY
    local names
    names=$(tar -xOf "$2/$3" "$4" | jq -r "$5")
    if [[ -z $names || $(grep -cvE '^[a-z0-9][A-Za-z0-9._:/@-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*$' <<<"$names" || true) != 0 ]]; then
        untrue "$3, in the archive of $(input name), has an image without NAME:TAG, so that nothing says how to call it." \
            "It was not used. Fix: ask the vendor for an archive of docker save NAME:TAG"
    fi
    while read -r name; do printf '%s\t%s\t%s\n' "$1" "$3" "$name"; done <<<"$names" >>"$GPU_METAL_RUN/images"
}

# Also puts it where the program reads it.
_chart() { # FOLDER ARCHIVE MEMBER
    local found
    found=$(tar -xOf "$1/$2" "$3" | awk '
        function plain(text) { sub(/^[a-z]+: */, "", text); gsub(/["\047\r\/]| *#.*/, "", text); return text }
        /^name:/ { name = plain($0) }
        /^version:/ { version = plain($0) }
        END { printf "%s=%s\n", name, version }')
    printf '%s\n' "$found" >>"$GPU_METAL_RUN/charts"
    mkdir -p -- "$1/.charts"
    ln -f -- "$1/$2" "$1/.charts/${found/=/-}.tgz"
}

_check_charts() {
    local wanted seen
    for wanted in $(input charts ''); do
        if grep -qxF -- "$wanted" "$(delivery_state charts)"; then continue; fi
        seen=$(sort "$(delivery_state charts)" | sed 's/=/ /' | paste -sd , | sed 's/,/, /g')
        untrue "the archive of $(input name) has no chart ${wanted/=/ } in it; it has ${seen:-none}." \
            "Fix: the archive of that version in package, or version as the archive has it"
    done
}
