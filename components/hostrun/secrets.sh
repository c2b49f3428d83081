# shellcheck shell=bash disable=SC2154  # the parts of runner.sh share their variables
# A check gets no secrets, so it cannot notice that one has changed. So we keep a digest of the secrets of a step's last
# successful apply, readable by root only: salted, and over so much text that a guess costs as much as with a password
# hash.

# secrets_same LAYER ID: did the last successful apply use the secrets of this call? True for a step without secrets.
secrets_same() {
    local file=$GPU_METAL_HOME/secrets/$1/$2 salt sum
    _has_secrets "$2" || return 0
    [[ -f $file ]] || return
    read -r salt sum <"$file"
    [[ $(_secrets_digest "$2" "$salt") == "$sum" ]]
}

# keep_secrets LAYER ID: remembers the secrets of this call as applied
keep_secrets() {
    local file=$GPU_METAL_HOME/secrets/$1/$2 salt
    _has_secrets "$2" || return 0
    salt=$(head -c 16 /dev/urandom | sha256sum | cut -c -32)
    mkdir -p -- "${file%/*}"
    record "$file" "$salt $(_secrets_digest "$2" "$salt")"
}

forget_secrets() { [[ ! -e $GPU_METAL_HOME/secrets/$1/$2 ]] || rm -f -- "$GPU_METAL_HOME/secrets/$1/$2"; }

_has_secrets() { # ID: without a process, as most steps have none
    local key
    for key in "${!secret_text[@]}"; do
        [[ ${key% *} != "$1" ]] || return 0
    done
    return 1
}

_secret_keys() {
    local key
    for key in "${!secret_text[@]}"; do
        [[ ${key% *} != "$1" ]] || printf '%s\n' "${key##* }"
    done | sort
}

# Hashes salt and secrets, repeated up to 16 MiB; by pipes only, so that no secret is in argv or in a file
_secrets_digest() { # ID SALT
    local key
    for key in $(_secret_keys "$1"); do printf '%s %s\n' "$key" "${secret_text["$1 $key"]}"; done |
        awk -v salt="$2" '{ text = text salt $0 "\n" }
            END { while (done < 16777216) { printf "%s", text; done += length(text) } }' |
        sha256sum | cut -d ' ' -f 1
}
