# The virtual environment of Orchestra or of pgAdmin has its requirements.
# rows: T1 T2
# inputs: path user index own what unit key
# bulk: requirements
# uses: orchestra
#
# Each set of requirements has an environment of its own, which is used once it is complete: if it cannot be installed,
# the old one stays in use.

check() {
    local place
    place=$(_place)
    if [[ ! -e $place/.gpu-metal ]]; then untrue "$(_link) has not the requirements of $(input what)"; fi
    if [[ $(readlink "$(_link)") != "environments/${place##*/}" ]]; then untrue "$(_link) is not in use"; fi
    if ! _has "$place" | same_file "$place/.gpu-metal"; then untrue "$(_link) has not the packages that were installed there"; fi
}

apply() {
    local place
    place=$(_place)
    umask 022
    if ! _has "$place" | same_file "$place/.gpu-metal"; then
        rm -rf -- "$place"
        mkdir -p -- "$(dirname "$place")"
        python3 -m venv "$place"
        _install "$place"
        if [[ $(_has "$place") == *broken* ]]; then untrue "$place cannot be read by its own Python. Fix: rm -r $place, then again"; fi
        _has "$place" | write_file "$place/.gpu-metal" 0644
    fi
    restart_due "$(input unit)"
    ln -sfn "environments/${place##*/}" "$(_link).fresh"
    mv -T -- "$(_link).fresh" "$(_link)"
    find "$(input path)/environments" -mindepth 1 -maxdepth 1 ! -name "${place##*/}" -exec rm -rf {} +
}

undo() {
    rm -rf -- "$(input path)/environments" "$(_link)" "$(_link).fresh" "$(_log)"
    rmdir -- "$(input path)" 2>/dev/null || true
}

_log() { printf '%s/%s-pip.log' "$GPU_METAL_HOME" "$(input unit)"; }
_link() { printf '%s/environment' "$(input path)"; }

# Where the environment of these requirements and this Python is, or will be
_place() {
    local key
    key=$({
        python3 --version
        _requirements
    } | sha256sum)
    printf '%s/environments/%s\n' "$(input path)" "${key:0:12}"
}

# What an environment has, with the sizes of its files as they are now
_has() {
    "$1/bin/python" -c 'import importlib.metadata, os
for each in sorted(importlib.metadata.distributions(), key=lambda each: each.metadata["Name"]):
    files = [each.locate_file(file) for file in each.files or () if not str(file).endswith(".pyc")]
    print(each.metadata["Name"], each.version, sum(os.path.getsize(file) for file in files))' 2>/dev/null || printf 'broken\n'
}

_requirements() {
    local file
    file=$(input path)/source/requirements.txt
    if [[ $(input own) == yes ]]; then
        bulk requirements
    elif [[ -f $file ]]; then
        cat "$file"
    else
        untrue "Orchestra's source has no requirements.txt. Fix: requirements: FILE with a line name==version for each package"
    fi
}

_install() {
    local options=() log wanted=$GPU_METAL_RUN/requirements.txt
    log=$(_log)
    if [[ -n $(input index) ]]; then options=(--index-url "$(input index)"); fi
    if [[ $(input index) == http://* ]]; then
        options+=(--trusted-host "$(input index | sed -E 's|^http://([^/]*@)?([^/]*).*|\2|')")
    fi
    _requirements >"$wanted"
    if (
        proxy_variables
        exec "$1/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --no-cache-dir \
            --retries 2 --timeout 20 "${options[@]}" --requirement "$wanted"
    ) >"$log" 2>&1; then
        rm -f "$log" "$wanted"
        return
    fi
    rm -rf -- "$1"
    untrue "the requirements of $(input what) cannot be installed:" \
        "$({ grep -m 1 -E '^ *(ERROR|error): ' "$log" || tail -n 1 "$log"; } | sed -E 's/^ *(ERROR|error): //' | cut -c -300)." \
        "All of it: $log. $(_old) Fix: correct $(input key), or index if the index is not reached"
}

_old() {
    if [[ -x $(_link)/bin/python ]]; then printf 'The previous environment stays in use.'; else printf 'Nothing was changed.'; fi
}
