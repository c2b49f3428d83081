# Shifter's runtime is built of the unpacked source with the site's switches, and installed.
# rows: F1
# inputs: folder prefix sysconfdir configure dependencies
# limit: 3600
#
# Built in a copy, installed into a folder, then put in its place: a build that fails changes nothing. Its plugin runs in
# the one release of Slurm that it was built with, so that another one on this host builds again.

check() {
    local seen
    if [[ $(tail -n 1 "$_built" 2>/dev/null) != "$(_wanted)" ]]; then
        untrue "has not Shifter as the site has it: built with $(input configure)"
    fi
    if ! seen=$(sha256sum --quiet -c "$_built" 2>/dev/null); then
        untrue "has not what Shifter's build installed: ${seen%%:*}"
    fi
    if [[ $(stat -c '%a %U' "$(input prefix)/bin/shifter") != '4755 root' ]]; then
        untrue "$(input prefix)/bin/shifter is not root's with mode 4755: users could not start containers"
    fi
}

apply() {
    local log=$GPU_METAL_RUN/shifter-build
    rm -rf -- "$_work" "$_stage"
    if ! (umask 022 && _make) 2>&1 | tee "$log"; then
        rm -rf -- "$_work" "$_stage"
        untrue "Shifter does not build: $(_reason <"$log"). Nothing was installed." \
            "Fix: what it lacks is in this step's log on the host (packages, a switch in source.configure, a way out)"
    fi
    rm -f -- "$log"
    # Those of the site are another step's.
    rm -rf -- "${_stage:?}$(input sysconfdir)/shifter_etc_files"
    _install
    rm -rf -- "$_work" "$_stage"
}

undo() {
    if [[ -e $_files ]]; then _remove <"$_files"; fi
    rm -f -- "$_files" "$_folders" "$_built"
    rm -rf -- "$_work" "$_stage"
}

_built=$GPU_METAL_HOME/shifter-built  # sums of the files, then what it is
_files=$GPU_METAL_HOME/shifter-files  # all that was put anywhere, also by a run that was cut
_folders=$GPU_METAL_HOME/shifter-made # the folders that were not there before
_work=/usr/src/.shifter-build.gpu-metal
_stage=/usr/src/.shifter-stage.gpu-metal

_make() {
    local words
    read -ra words < <(input configure)
    proxy_variables
    DEPTAR_DIR=$(input dependencies '')
    if [[ -n $DEPTAR_DIR ]]; then export DEPTAR_DIR; fi
    # In a condition, as here, a failure ends nothing by itself.
    cp -a -- "$(input folder)" "$_work" && cd "$_work" && ./autogen.sh && ./configure "${words[@]}" && make -j"$(nproc)" && make install DESTDIR="$_stage"
}

_install() {
    local sums=$GPU_METAL_RUN/shifter-sums old new
    old=$(cat "$_files" 2>/dev/null || true)
    new=$(cd "$_stage" && find . ! -type d -printf '/%P\n' | sort)
    printf '%s\n%s\n' "$old" "$new" | sed '/^$/d' | sort -u | write_file "$_files" 0600
    _new_folders | sort -u - <(cat "$_folders" 2>/dev/null) | write_file "$_folders" 0600
    (cd "$_stage" && find . -type f -printf '%P\0' | sort -z | xargs -0 sha256sum | sed 's,  ,  /,') >"$sums"
    # Without folders, so that those that are there stay as they are; a program in use is replaced, not written into.
    (umask 022 && tar -C "$_stage" -cf - --null -T <(cd "$_stage" && find . ! -type d -print0) |
        tar -C / -xpf - --no-same-owner --unlink-first)
    sync "$(input prefix)"
    comm -23 <(sort <<<"$old" | sed '/^$/d') <(printf '%s\n' "$new") | _remove
    { cat "$sums" && _wanted; } | write_file "$_built" 0600
    printf '%s\n' "$new" | write_file "$_files" 0600
    rm -f -- "$sums"
}

_new_folders() {
    local folder
    while read -r folder; do
        if [[ ! -d $folder ]]; then printf '%s\n' "$folder"; fi
    done < <(cd "$_stage" && find . -mindepth 1 -type d -printf '/%P\n')
}

# Files by name from stdin, and those of our folders that are empty then: /opt is not ours
_remove() {
    local path
    while read -r path; do
        rm -f -- "$path"
        if [[ $path == *.py ]]; then rm -rf -- "$(dirname -- "$path")/__pycache__"; fi
    done
    { sort -r "$_folders" 2>/dev/null || true; } | while read -r path; do rmdir -- "$path" 2>/dev/null || true; done
}

_wanted() {
    printf '# %s %s' "$(tail -n 1 "$(input folder)/.gpu-metal" 2>/dev/null)" "$(input configure)"
    if [[ $(input configure) == *--with-slurm* ]]; then printf ' %s' "$(_slurm)"; fi
    printf '\n'
}

_slurm() { pkg_version "$(os_packages @slurm-headers | head -n 1)"; }

_reason() {
    grep -aE -m 1 'error:|Error [0-9]|rror while|Could not resolve|: not found|missing' | cut -b -300 || printf 'no reason given'
}
