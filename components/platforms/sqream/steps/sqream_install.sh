# SQream is installed from the site's package, in the site's folders, with a valid licence.
# rows: Q2 Q3 Q4
# inputs: user package database console editor storage config log ingest overwrite gpus cuda workers principal kdc
# inputs: metadata_change hadoop window
# secrets: license keytab
# limit: 7200
# uses: sqream
#
# Earlier steps have written the files; the secrets are inputs here so that a new one changes this layer, too.
#
# The step sqream_upgrade replaces another installed version. The installer itself refuses a first installation in folders
# that hold something else; it gets -f, which empties all of them, only if the site has overwrite: yes-lose-data and nothing
# was installed before.

check() {
    local settings
    settings=$(sqream_settings)
    _check_version "$settings"
    _check_folders "$settings"
    if [[ $(sqream_installed) != "$(input package)" ]]; then untrue "has not finished the installation"; fi
    if ! sha256sum <"$(_license)" | same_file "$(sqream_state license-loaded)"; then
        untrue "SQream has not loaded the site's licence"
    fi
    if [[ $(sqream_value LICENSE_VALID <<<"$settings") != true ]]; then
        untrue "SQream's licence is not valid here. Fix: put one that is into the secret that licenseSecret names"
    fi
    _check_numbers "$settings"
    if [[ -n $(input principal '') ]] && ! _hadoop | same_file "$(sqream_state hadoop-loaded)"; then
        untrue "SQream has not been given the site's Hadoop and Kerberos settings"
    fi
    if [[ -n $(_leftover) ]]; then untrue "has still the package $(_leftover)"; fi
}

apply() {
    local settings package
    settings=$(sqream_settings)
    if [[ -z $settings ]]; then
        _first
    else
        _check_version "$settings"
        _refuse_move "$settings"
        _add_ingest "$settings"
    fi
    # A previous run may have restored the last good licence there.
    secret license | base64 -d | write_file "$(_license)" 0600 "$(input user):"
    _load_license
    if [[ -n $(input principal '') ]] && ! _hadoop | same_file "$(sqream_state hadoop-loaded)"; then
        _wait_for_window "the Kerberos settings have changed"
        sqream_due "the Kerberos settings have changed"
        _install -p "$(input principal)" -e "$(input kdc)"
        _hadoop | write_file "$(sqream_state hadoop-loaded)" 0600
    fi
    input package | write_file "$(sqream_state installed)" 0600
    for package in $(_leftover); do
        rm -rf -- "$(sqream_folder "$package")"
        rm -f "$(sqream_state "unpacked/$package")"
    done
}

undo() {
    if [[ -x $(sqream_folder)/sqream-install && -n $(sqream_settings 2>/dev/null || true) ]]; then
        _install -r
    else
        remark "left: SQream is not reset (-r), since sqream-install -s shows no whole installation"
    fi
    rm -f "$(sqream_state installed)" "$(sqream_state license-loaded)" "$(sqream_state license-good)" \
        "$(sqream_state hadoop-loaded)" "$(sqream_state due)"
    remark "left: what is in $(input storage), $(input config), $(input log) and $(input ingest -)"
}

# Runs the installer with FLAG…; its last line is the reason of a failure. Its question about the metadata is answered with
# yes if the site's metadataChange names this version.
_install() { # FLAG…
    local said=$GPU_METAL_RUN/sqream-said agreed='' status=0 text
    if [[ $(input metadata_change '') == "$(input database)" ]]; then agreed=$(sqream_metadata_question); fi
    sqream_asked "$agreed" "$@" >"$said" 2>&1 || status=$?
    cat "$said"
    text=$(grep '[^[:space:]]' "$said" | tail -n 1 || true)
    rm -f "$said"
    if ((status == 3)); then text="it asks: $ASKED"; fi
    if ((status)); then untrue "sqream-install $* failed: $text $(_fix "$text")"; fi
}

_fix() { # TEXT
    if [[ $1 == 'it asks: '* ]] && { takes_away "$1" || [[ ! $1 =~ $(sqream_metadata_question) ]]; }; then
        printf 'Fix: answer it by hand, in %s; then pulumi up' "$(sqream_folder)"
        return
    fi
    case $1 in
        *'not empty'*)
            printf 'Nothing was overwritten. Fix: name folders that are empty or that SQream in Docker had; or, if ALL that'
            printf ' lies in storage, config, log and ingest may be lost, overwrite: yes-lose-data'
            ;;
        *license* | *licence*) printf 'Fix: ask the vendor for a licence, and put it into the secret that licenseSecret names' ;;
        *metadata* | *approve*)
            printf 'Fix: metadataChange: "%s" in the site agrees; make a copy first' "$(input database)"
            ;;
        *) printf 'Fix: mend what it says; then pulumi up' ;;
    esac
}

_first() {
    local flags=(-i -k -v "$(input storage)" -c "$(input config)" -l "$(input log)")
    if [[ -n $(input ingest '') ]]; then flags+=(-d "$(input ingest)"); fi
    if [[ $(input overwrite no) == yes-lose-data && ! -e $(sqream_state installed) &&
    -z $(docker ps --quiet --filter name=^sqream_) ]]; then
        _spare_database
        flags=(-f "${flags[@]}")
    fi
    _install "${flags[@]}"
    sha256sum <"$(_license)" | write_file "$(sqream_state license-loaded)" 0600
}

# A left-over `overwrite` must not wipe the database of a host that was reinstalled or had SQream before.
_spare_database() {
    if [[ -e $(input storage)/leveldb || -e $(input storage)/databases ]]; then
        untrue "has a database in $(input storage), which overwrite would empty with all folders. Nothing was changed." \
            "Fix: take overwrite away, and pulumi up takes the database over as it is; or empty the folder by hand"
    fi
}

_check_version() { # SETTINGS
    local seen key
    if [[ -z $1 ]]; then untrue "has no SQream installed, wants SQreamDB $(input database)"; fi
    for key in SQREAM_TAG=database SQREAM_CONSOLE_TAG=console SQREAM_EDITOR_TAG=editor; do
        seen=$(sqream_value "${key%=*}" <<<"$1")
        if [[ $seen != "$(input "${key#*=}")" ]]; then
            untrue "has ${key%=*} $seen installed by others, wants $(input "${key#*=}")." \
                "Fix: installer: the package that is installed, which pulumi up takes over; then the other one"
        fi
    done
}

# `KEY VARIABLE WANTED` of the folders
_folders() {
    printf 'storage SQREAM_VOLUME %s\n' "$(input storage)"
    printf 'config SQREAM_CONFIG_DIR %s\n' "$(input config)"
    printf 'log SQREAM_LOG_DIR %s\n' "$(input log)"
}

_check_folders() { # SETTINGS
    local key variable wanted seen
    while read -r key variable wanted; do
        seen=$(sqream_value "$variable" <<<"$1")
        if [[ ${seen%/} != "${wanted%/}" ]]; then untrue "SQream has $variable $seen, wants $wanted (folders.$key)"; fi
    done < <(_folders)
    if ! _has_ingest "$1"; then
        untrue "SQream has SQREAM_DATA_INGEST $(sqream_value SQREAM_DATA_INGEST <<<"$1"), wants $(input ingest)"
    fi
}

# A changed line in the site file must not swap a folder with data under a database.
_refuse_move() { # SETTINGS
    local key variable wanted seen
    while read -r key variable wanted; do
        seen=$(sqream_value "$variable" <<<"$1")
        if [[ ${seen%/} != "${wanted%/}" ]]; then
            untrue "SQream is installed with $variable ${seen%/}, the site wants $wanted. Nothing was changed." \
                "Fix: folders.$key: ${seen%/} in the site; or stop all services, move what is in it, and in $(sqream_folder)" \
                "as $(input user): sudo ./sqream-install -${key:0:1} $wanted (-v for storage); then pulumi up"
        fi
    done < <(_folders)
}

_has_ingest() { # SETTINGS
    local wanted
    wanted=$(input ingest '')
    [[ -z $wanted ]] || sqream_value SQREAM_DATA_INGEST <<<"$1" | tr ',' '\n' | sed 's|/$||' | grep -xF "${wanted%/}" >/dev/null
}

_add_ingest() { # SETTINGS
    if _has_ingest "$1"; then return; fi
    _wait_for_window "the ingest folder has changed"
    sqream_due "the ingest folder has changed"
    _install -d "$(input ingest)"
}

# All running services need a restart for such a change, and one that ends by itself would start with it at once.
_wait_for_window() { # REASON
    if [[ -n $(input window '') && -n $(docker ps --quiet --filter name=^sqream_) ]]; then
        in_window "$(input window)" "$1, and all services must be started anew"
    fi
}

# Compares what else -s shows, in versions that do: the processor, CUDA, GPUs of the host, and workers of the licence.
_check_numbers() { # SETTINGS
    local gpus workers seen package
    seen=$(sqream_value PROCESSOR <<<"$1") package=$(input package)
    if [[ -n $seen && $seen != "${package##*-}" ]]; then
        untrue "SQream sees the processor $seen, its package is for ${package##*-}. Fix: the package for $seen in installer"
    fi
    seen=$(sqream_value CUDA_VERSION <<<"$1")
    if [[ $seen =~ ^[0-9.]+$ && $(printf '%s\n' "$seen" "$(input cuda 0)" | sort -V | tail -n 1) != "$seen" ]]; then
        untrue "SQream sees CUDA $seen, wants $(input cuda) or later. Fix: a driver that offers it, in gpu.driver of this host"
    fi
    gpus=$(sqream_value NUM_OF_GPUS <<<"$1")
    if [[ -n $gpus && $gpus != "$(input gpus "$gpus")" ]]; then
        untrue "SQream sees $gpus GPUs, the site has $(input gpus) here. Fix: gpu.count, or what nvidia-smi shows"
    fi
    workers=$(grep -c '^license_worker_' <<<"$1" || true)
    if ((workers > 0 && workers < $(input workers))); then
        untrue "SQream's licence has $workers workers, the site wants $(input workers) here." \
            "Fix: fewer workers, or a licence for more"
    fi
}

_license() { printf '%s/license/site.tar.gz\n' "$(sqream_folder)"; }

# Loads a new licence and validates it; if it is refused, loads the last good one again.
_load_license() {
    local said due
    due=$(cat "$(sqream_state due)" 2>/dev/null || true)
    if ! sha256sum <"$(_license)" | same_file "$(sqream_state license-loaded)"; then
        sqream_due "the licence has changed"
        _install -k
        sha256sum <"$(_license)" | write_file "$(sqream_state license-loaded)" 0600
    fi
    if said=$(sqream_installer -K </dev/null 2>&1); then
        write_file "$(sqream_state license-good)" 0600 <"$(_license)"
        return
    fi
    said=$(tail -n 1 <<<"$said")
    if [[ -s $(sqream_state license-good) ]] && ! same_content "$(sqream_state license-good)" "$(_license)"; then
        write_file "$(_license)" 0600 "$(input user):" <"$(sqream_state license-good)"
        _install -k
        sha256sum <"$(_license)" | write_file "$(sqream_state license-loaded)" 0600
        # Running services have this licence already: they need no restart for it.
        if [[ -n $due ]]; then write_file "$(sqream_state due)" 0600 <<<"$due"; else rm -f "$(sqream_state due)"; fi
        said+=". The previous one is loaded again"
    fi
    untrue "The site's licence is not valid: $said. Fix: ask the vendor for one for this host's GPUs, and put it into the" \
        "secret that licenseSecret names: base64 -w 0 LICENCE.tar.gz | pulumi config set --secret gpu-metal:NAME"
}

# What the installer was last given with -p and -e
_hadoop() {
    local folder
    folder=$(sqream_folder)
    printf '%s %s\n' "$(input principal)" "$(input kdc)"
    (cd "$folder" && sha256sum .hadoop/core-site.xml .hadoop/hdfs-site.xml .krb5/krb5.conf .krb5/hdfs.keytab)
}

# Packages that we unpacked and nothing uses any more
_leftover() {
    local file
    for file in "$(sqream_state unpacked)"/*; do
        if [[ -f $file && ${file##*/} != "$(input package)" ]]; then printf '%s\n' "${file##*/}"; fi
    done | paste -sd ' '
}
