# shellcheck shell=bash
# Sources of packages and the keys that sign them. Sourced by lib.sh, on top of the family's verbs.

# fetched URL FILE WHAT ELSE: fetches URL to FILE; fails with the reason and its fix, and with what ELSE may help
fetched() {
    local log=$GPU_METAL_RUN/fetch.$BASHPID why remedy
    if fetch_file "$1" "$2" >"$log" 2>&1; then
        rm -f -- "$log"
        return
    fi
    why_failed "$log"
    rm -f -- "$log" "$2"
    untrue "cannot fetch $3, which $why. Fix: $remedy, $4"
}

# fetch_key URL FINGERPRINT FILE: fetches a file with exactly that armored key
fetch_key() {
    fetched "$1" "$3" "the key $1" 'or send the key by keyFile'
    right_key "$3" "$2" "$1"
}

# right_key FILE FINGERPRINT SOURCE: fails with a message unless FILE holds exactly that key
right_key() {
    local seen
    seen=$(key_prints "$1")
    if [[ $seen != "$2" ]]; then
        rm -f -- "$1"
        untrue "The key for $3 is ${seen:-none}, wants $2. Nothing used it." \
            'Fix: compare with what the vendor publishes; then correct fingerprint, or where the key comes from'
    fi
}

# For the steps that set up a source; each has the inputs key_url and fingerprint, and the bulk key.

# same_key FILE: fails with a message unless FILE holds exactly this source's key. For check.
same_key() {
    if [[ -z $(input key_url '') ]]; then
        if ! bulk key | same_file "$1"; then untrue "$1 is not the key of this source"; fi
    elif [[ $(key_prints "$1") != "$(input fingerprint)" ]]; then
        untrue "$1 does not hold exactly the key $(input fingerprint)"
    fi
}

# lasting_key FILE: fails with a message if FILE is a fetched key that has expired: apt refuses what it signs. For apply.
lasting_key() {
    local said
    said=$(_ended "$1")
    if [[ -n $said ]]; then
        untrue "$said Fix: see that the clock is right; else the vendor must extend it: then run again, which fetches it anew"
    fi
}

# remark_expired FILE: the same as a remark. For check: a key that expires by itself must not stop other changes.
remark_expired() {
    local said
    said=$(_ended "$1")
    if [[ -n $said ]]; then
        remark "$said Nothing new comes from this source. Fix: see that the clock is right; else, once the vendor has" \
            "extended the key: rm $1 there, sitectl drift --record, then pulumi up, which fetches it anew"
    fi
}

# Of a fetched key that has expired, when
_ended() {
    local day
    if [[ -z $(input key_url '') ]]; then return; fi
    day=$(key_expired "$1")
    if [[ -n $day ]]; then
        printf "the key from %s expired on %s by this host's clock (%s)." \
            "$(os_text "$(input key_url)")" "$day" "$(date -u +'%F %H:%M UTC')"
    fi
}

# bring_key FILE SOURCE: writes to FILE the key that came with the layer or that the host fetches; compares it first
bring_key() {
    if [[ -n $(input key_url '') ]]; then
        fetch_key "$(os_text "$(input key_url)")" "$(input fingerprint)" "$1"
        # A binary key, or one with line ends of Windows, in the form that apt and rpm read
        _gpg_of "$1" --armor --export >"$1.armored"
        mv -T -- "$1.armored" "$1"
    else
        bulk key >"$1"
        if [[ -n $(input fingerprint '') ]]; then right_key "$1" "$(input fingerprint)" "$2"; fi
    fi
}

# read_index SOURCE COMMAND…: runs COMMAND, which reads the index of SOURCE; explains why if it fails
read_index() {
    local log=$GPU_METAL_RUN/index
    if "${@:2}" 2>&1 | tee "$log"; then
        rm -f "$log"
        return
    fi
    source_fault "$1" "$log"
}

# For the steps that use a vendor's file; each has the inputs file or url, and sha256.

# bring_artefact TO WHAT FIX: copies to TO the file that the operator put on the host, or fetches it; compares its
# SHA-256 before it is used
bring_artefact() {
    local seen place
    rm -f -- "$1"
    if [[ -n $(input url '') ]]; then
        place=$(os_text "$(input url)")
        fetched "$place" "$1" "$2 from $place" 'or write file instead of url'
    else
        place=$(input file)
        if [[ ! -f $place ]]; then untrue "has no file $place, wants $2 there. Fix: copy it to this host"; fi
        cp -- "$place" "$1"
    fi
    seen=$(sha256sum <"$1")
    if [[ ${seen%% *} != "$(input sha256)" ]]; then
        rm -f -- "$1"
        untrue "${2^} has SHA-256 ${seen%% *}, wants $(input sha256). It was not used. Fix: $3"
    fi
}

# proxy_variables: exports this host's proxies, for programs that read them (git, curl, pip)
proxy_variables() {
    local line
    while IFS= read -r line; do
        line=${line//[\"\']/}
        export "${line?}"
    done < <(grep -iE '^(http|https|no)_proxy=' /etc/environment 2>/dev/null)
}

# source_fault SOURCE LOG: explains why the index of a package source cannot be read, from the package manager's output
source_fault() {
    local said why remedy
    # The package manager's own line names who holds its lock.
    if said=$(grep -E ' is locked by | for the package lock: ' "$2"); then untrue "${said##*$'\n'}"; fi
    why_failed "$2"
    untrue "$1 $why. Fix: $remedy"
}

# key_prints FILE: fingerprints of all primary keys in it, on one line
key_prints() {
    [[ -s $1 ]] || return 0
    _gpg_of "$1" --with-colons --fingerprint |
        awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }' | paste -sd ' '
}

# key_expired FILE: the day when the last of its keys that can sign expired; nothing while one is in force
key_expired() {
    local last
    last=$(_gpg_of "$1" --with-colons --list-keys | awk -F: '
        ($1 == "pub" || $1 == "sub") && $12 ~ /s/ { if ($2 != "e") good = 1; else if ($7 > last) last = $7 }
        END { if (!good) print last }')
    [[ -z $last ]] || date -u -d "@$last" +%F
}

# gpg on the keys of FILE alone: through a temporary keyring, which old gpg needs
_gpg_of() { # FILE ARGUMENTS…
    local home
    home=$(mktemp -d /run/gpu-metal-gpg.XXXXXX) || return
    gpg --homedir "$home" --batch --no-options --quiet --import "$1" 2>/dev/null || true
    gpg --homedir "$home" --batch --no-options "${@:2}" 2>/dev/null || true
    rm -rf "$home"
}
