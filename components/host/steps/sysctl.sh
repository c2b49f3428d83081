# Kernel settings have the site's values, now and after a reboot: they are in one drop-in, and no others are set.
# rows: H10
# inputs: one key per setting
#
# Its name comes after 99-sysctl.conf, which is /etc/sysctl.conf: the last file that names a setting wins. If a later one
# of another owner does, check names it: that file is not ours to change.
# `sysctl --system` is not used: reloading all files disturbs a running pod network. The values found before are kept
# and come back with undo, or when a setting leaves the site.

check() {
    local key value seen later files
    while IFS='=' read -r key value; do
        _live "$key" || untrue "has no setting $key, wants $value." \
            "Fix: see that the kernel module that brings it is loaded, or take it out of sysctl"
        seen=$REPLY
        _words "$value"
        if [[ $seen != "$REPLY" ]]; then untrue "has $key=$seen, wants $value"; fi
    done < <(inputs)
    if ! _wanted | same_file /etc/sysctl.d/99-zz-gpu-metal.conf; then
        untrue "/etc/sysctl.d/99-zz-gpu-metal.conf is not what the site's sysctl says"
    fi
    mapfile -t files < <(_later_files)
    if ((${#files[@]} == 0)); then return; fi
    while IFS='=' read -r key value; do
        _words "$value"
        later=$(_later "$key" "$REPLY" "${files[@]}")
        if [[ -n $later ]]; then
            untrue "has $key=$value now, but ${later%%=*} comes after ours and sets it to ${later#*=} at the next start." \
                "Fix: take that line out of ${later%%=*}, or write ${later#*=} for $key under sysctl"
        fi
    done < <(inputs)
}

apply() {
    local key value seen
    _remember
    _put_back < <(_before | _without "$(inputs)")
    keep /etc/sysctl.d/99-zz-gpu-metal.conf
    _wanted | write_file /etc/sysctl.d/99-zz-gpu-metal.conf 0644
    while IFS='=' read -r key value; do
        _live "$key"
        seen=$REPLY
        _words "$value"
        if [[ $seen == "$REPLY" ]]; then continue; fi
        _path "$key"
        printf '%s\n' "$value" >"$REPLY"
    done < <(inputs)
}

undo() {
    restore /etc/sysctl.d/99-zz-gpu-metal.conf
    _put_back < <(_before)
    rm -f "$GPU_METAL_HOME/sysctl-before"
}

_wanted() {
    local key value
    printf '# gpu-metal\n'
    while IFS='=' read -r key value; do printf '%s = %s\n' "$key" "$value"; done < <(inputs)
}

# → REPLY. `net.ipv4.ip_forward`, or `net/ipv4/conf/eth0.1/forwarding` where a name has a dot, as sysctl takes them.
_path() {
    if [[ $1 == */* ]]; then REPLY=/proc/sys/$1; else REPLY=/proc/sys/${1//.//}; fi
}

# → REPLY: with one blank between words
_words() {
    REPLY=${1//[[:space:]]/ }
    while [[ $REPLY == *'  '* ]]; do REPLY=${REPLY//'  '/ }; done
}

# → REPLY: what the kernel has; status 1 when it has no such setting
_live() {
    _path "$1"
    [[ -e $REPLY ]] || return 1
    read_file "$REPLY"
    _words "${REPLY%$'\n'}"
}

# `FILE=VALUE`, if one of FILE…, which systemd-sysctl reads after ours, gives KEY another value than VALUE.
_later() { # KEY VALUE FILE…
    awk -v wanted="$1" -v ours="$2" '
        # As systemd reads a name: the first separator is the one, whether it is a dot or a slash.
        function name(key) {
            if (match(key, /[.\/]/) && substr(key, RSTART, 1) == ".") {
                gsub(/\//, "\001", key); gsub(/[.]/, "/", key); gsub("\001", ".", key)
            }
            return key
        }
        /^[ \t]*[#;]/ || !/=/ { next }
        {
            key = substr($0, 1, index($0, "=") - 1)
            gsub(/^[ \t]*-?|[ \t]+$/, "", key)
            if (name(key) != name(wanted)) next
            seen = substr($0, index($0, "=") + 1); file = FILENAME
            gsub(/^[ \t]+|[ \t\r]+$/, "", seen); gsub(/[ \t]+/, " ", seen)
        }
        END { if (file && seen != ours) print file "=" seen }
    ' "${@:3}"
}

# The files after ours, in the order in which systemd reads them: by name; of two with one name, /etc comes first.
_later_files() {
    local folder file
    local -A files=()
    for folder in /etc/sysctl.d /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d; do
        for file in "$folder"/*.conf; do
            if [[ ! -e $file || ! ${file##*/} > 99-zz-gpu-metal.conf || -n ${files[${file##*/}]-} ]]; then continue; fi
            files[${file##*/}]=$file
        done
    done
    if ((${#files[@]} == 0)); then return; fi
    printf '%s\n' "${!files[@]}" | sort | while IFS= read -r file; do printf '%s\n' "${files[$file]}"; done
}

_before() {
    cat "$GPU_METAL_HOME/sysctl-before" 2>/dev/null || true
}

# Those lines of stdin whose key is not among the lines of $1.
_without() {
    awk -F= 'NR == FNR { drop[$1]; next } !($1 in drop)' <(printf '%s\n' "$1") -
}

_remember() {
    {
        _before
        inputs | _without "$(_before)" | while IFS='=' read -r key _; do
            _live "$key"
            printf '%s=%s\n' "$key" "$REPLY"
        done
    } | write_file "$GPU_METAL_HOME/sysctl-before" 0600
}

# Skips a setting whose module is gone.
_put_back() {
    local key value
    while IFS='=' read -r key value; do
        _path "$key"
        if [[ -e $REPLY ]]; then printf '%s\n' "$value" >"$REPLY"; fi
        _before | _without "$key=" | write_file "$GPU_METAL_HOME/sysctl-before" 0600
    done
}
