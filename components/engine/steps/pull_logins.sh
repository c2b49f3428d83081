# The users who may pull images have the site's logins for its registries.
# rows: C1
# inputs: registries users file; user_REGISTRY
# secrets: one key per registry
#
# The logins are in Docker's own file, of root and of each of Docker's users, or in the kubelet's; only the owner can
# read it. Other logins in it stay.

check() {
    local file owner registry
    while read -r file owner; do
        if [[ $(stat -Lc %U:%a "$file" 2>/dev/null) != "${owner%%:*}:600" ]]; then
            untrue "$file is missing, or not readable by ${owner%%:*} alone"
        fi
        for registry in $(input registries); do
            if [[ $(_user_in "$file" "$registry") != "$(input "user_$registry")" ]]; then
                untrue "$file has no login of $(input "user_$registry") for $registry"
            fi
        done
        for registry in $(_dropped); do
            if [[ -n $(_user_in "$file" "$registry") ]]; then
                untrue "$file has a login for $registry, which the site no longer names"
            fi
        done
    done < <(_files)
    while read -r file; do untrue "$file has logins for a user that the site no longer names"; done < <(_strays)
}

apply() {
    local file owner folder
    while read -r file; do _take_out "$file"; done < <(_strays)
    while read -r file owner; do
        keep "$file"
        folder=$(dirname "$file")
        if [[ ! -d $folder ]]; then install -d -m 0700 -o "${owner%%:*}" -g "${owner#*:}" "$folder"; fi
        _merged "$file" | write_file "$file" 0600 "$owner"
        {
            _written
            printf '%s\n' "$file"
        } | sort -u | write_file "$GPU_METAL_HOME/pull-logins" 0600
    done < <(_files)
}

undo() {
    local file
    while read -r file; do _take_out "$file"; done < <(_written)
    rm -f "$GPU_METAL_HOME/pull-logins"
}

# PATH OWNER:GROUP of each file
_files() {
    local user
    if [[ -n $(input file '') ]]; then printf '%s root:root\n' "$(input file)"; fi
    for user in $(input users ''); do
        printf '%s/.docker/config.json %s\n' "$(getent passwd "$user" | cut -d: -f6)" "$user:$(id -gn "$user")"
    done
}

_written() {
    cat "$GPU_METAL_HOME/pull-logins" 2>/dev/null || true
}

_strays() {
    comm -23 <(_written) <(_files | cut -d' ' -f1 | sort)
}

_dropped() {
    comm -23 <(previous registries | tr ' ' '\n' | sort) <(input registries | tr ' ' '\n' | sort)
}

# Docker Hub has another name in these files.
_key() {
    if [[ $1 == docker.io ]]; then printf 'https://index.docker.io/v1/'; else printf '%s' "$1"; fi
}

_user_in() {
    jq -r --arg key "$(_key "$2")" '.auths[$key].auth // "" | @base64d | split(":")[0] // ""' "$1" 2>/dev/null || true
}

# The file with our logins, passwords by a pipe.
_merged() {
    local registry text
    text=$(if [[ -s $1 ]]; then cat "$1"; else printf '{}'; fi)
    for registry in $(_dropped); do
        text=$(printf '%s' "$text" | jq --arg key "$(_key "$registry")" 'del(.auths[$key])')
    done
    for registry in $(input registries); do
        text=$(printf '%s' "$text" | jq --arg key "$(_key "$registry")" --arg user "$(input "user_$registry")" \
            --rawfile password <(secret "$registry") \
            '.auths[$key] = {auth: ($user + ":" + ($password | rtrimstr("\n")) | @base64)}')
    done
    printf '%s\n' "$text"
}

# Removes our logins and restores earlier ones for the same registries; removes a file that is then empty and was new.
_take_out() {
    local file=$1 left keys owner
    if [[ -e $file ]] && kept "$file"; then
        keys=$(for key in $(input registries) $(previous registries); do _key "$key" | jq -R .; done | jq -s .)
        left=$(jq --argjson keys "$keys" --slurpfile before <(kept_text "$file" | grep . || printf '{}') '
            reduce $keys[] as $k (.;
                if $before[0].auths[$k] then .auths[$k] = $before[0].auths[$k] else del(.auths[$k]) end)
            | if .auths == {} and ($before[0] | has("auths") | not) then del(.auths) else . end' "$file")
        kept "$file"
        if [[ $left == '{}' && -e $REPLY/absent ]]; then
            restore "$file"
        else
            owner=$(stat -Lc %U:%G "$file")
            printf '%s\n' "$left" | write_file "$file" "$(stat -Lc %a "$file")" "$owner"
        fi
    fi
    _written | grep -vxF "$file" | write_file "$GPU_METAL_HOME/pull-logins" 0600 || true
}
