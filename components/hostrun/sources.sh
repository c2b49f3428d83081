# shellcheck shell=bash
# Sources of packages and the keys that sign them. Sourced by lib.sh, on top of the family's verbs.

# fetch_key URL FINGERPRINT FILE: fetches a file with exactly that armored key
fetch_key() {
    if ! fetch_file "$1" "$3"; then
        untrue "cannot fetch the key $1. Fix: let this host reach it (name, proxy), or send the key by keyFile"
    fi
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

# bring_key FILE SOURCE: writes to FILE the key that came with the layer or that the host fetches; compares it first
bring_key() {
    if [[ -n $(input key_url '') ]]; then
        fetch_key "$(os_text "$(input key_url)")" "$(input fingerprint)" "$1"
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
    source_fault "$1" <"$log"
}

# For the steps that use a vendor's file; each has the inputs file or url, and sha256.

# bring_artefact TO WHAT FIX: copies to TO the file that the operator put on the host, or fetches it; compares its
# SHA-256 before it is used
bring_artefact() {
    local seen place
    rm -f -- "$1"
    if [[ -n $(input url '') ]]; then
        place=$(os_text "$(input url)")
        if ! fetch_file "$place" "$1"; then
            rm -f -- "$1"
            untrue "cannot fetch $2 from $place. Fix: let this host reach it (name, proxy), or write file instead of url"
        fi
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

# source_fault URL: explains why the index of a package source cannot be read; stdin is the package manager's output
source_fault() {
    local said
    said=$(tail -c 65536)
    case $said in
        *' for the package lock: '*) said="$(grep ' for the package lock: ' <<<"$said" | tail -n 1)" ;;
        *404*) said="$1 answers 404: it is not there. Fix: correct url (and suite) as the vendor or your mirror has them" ;;
        *NO_PUBKEY* | *BADSIG* | *'not signed'* | *EXPKEYSIG* | *signature* | *'GPG key'*)
            said="$1 is not signed by the key it came with. Fix: keyFile or keyUrl must be the key that signs it today"
            ;;
        *) said="cannot use $1. Fix: let this host reach it (name, proxy, certificate)" ;;
    esac
    untrue "$said"
}

# key_prints FILE: fingerprints of all primary keys in it, on one line; through a temporary keyring, which old gpg needs
key_prints() {
    local home
    [[ -s $1 ]] || return 0
    home=$(mktemp -d /run/gpu-metal-gpg.XXXXXX) || return
    gpg --homedir "$home" --batch --no-options --quiet --import "$1" 2>/dev/null || true
    gpg --homedir "$home" --batch --no-options --with-colons --fingerprint 2>/dev/null |
        awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }' | paste -sd ' ' || true
    rm -rf "$home"
}
