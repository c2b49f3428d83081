# shellcheck shell=bash disable=SC2154  # the parts of runner.sh share their variables
# A check sees no secret, so it cannot tell that one has changed. What a step's last good apply was given is remembered as
# a digest, for root only: salted, and of so many bytes that a guess costs as much as one at a password's hash.

# secrets_same LAYER ID: did the last good apply have the secrets of this call? True of a step without any.
secrets_same() {
    local file=$GPU_METAL_HOME/secrets/$1/$2 salt sum
    [[ -n $(_secret_keys "$2") ]] || return 0
    [[ -f $file ]] || return
    read -r salt sum <"$file"
    [[ $(_secrets_digest "$2" "$salt") == "$sum" ]]
}

# keep_secrets LAYER ID: those of this call were applied
keep_secrets() {
    local file=$GPU_METAL_HOME/secrets/$1/$2 salt error
    [[ -n $(_secret_keys "$2") ]] || return 0
    salt=$(head -c 16 /dev/urandom | sha256sum | cut -c -32)
    mkdir -p -- "${file%/*}"
    error=$(printf '%s %s\n' "$salt" "$(_secrets_digest "$2" "$salt")" | write_file "$file" 0600 2>&1) ||
        fail ledger "$file cannot be written: ${error##*: }. $(cause "$error")"
}

forget_secrets() { rm -f -- "$GPU_METAL_HOME/secrets/$1/$2"; }

_secret_keys() {
    local key
    for key in "${!secret_text[@]}"; do
        [[ ${key% *} != "$1" ]] || printf '%s\n' "${key##* }"
    done | sort
}

# 16 MiB of salt and secrets, over and over, by pipes alone
_secrets_digest() { # ID SALT
    local key
    for key in $(_secret_keys "$1"); do printf '%s %s\n' "$key" "${secret_text["$1 $key"]}"; done |
        awk -v salt="$2" '{ text = text salt $0 "\n" }
            END { while (done < 16777216) { printf "%s", text; done += length(text) } }' |
        sha256sum | cut -d ' ' -f 1
}
