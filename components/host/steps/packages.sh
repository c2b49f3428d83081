# Packages are installed, in the wanted versions, held where asked.
# inputs: names hold folders
#
# names are `name` or `name=version`, where a version may be a glob. What came and went with our packages is written
# down for the whole host, not per step, so that undo takes away that and nothing else, also after a run that was cut
# in the middle of an installation. What was there before in another version stays in ours.

check() {
    local word words name seen gone
    read -ra words < <(input names)
    for word in "${words[@]}"; do
        name=${word%%=*} seen=$(pkg_version "${word%%=*}")
        if [[ -z $seen ]]; then untrue "has no package $name, wants it"; fi
        if ! _right "$word"; then untrue "has $name $seen, wants ${word#*=}"; fi
        if [[ $(input hold no) == yes ]] && ! pkg_held "$name"; then untrue "has $name $seen not held"; fi
    done
    gone=$(_dropped)
    if [[ -n $gone ]]; then untrue "has ${gone//$'\n'/, }, which the site no longer asks for"; fi
}

apply() {
    local word words missing=()
    read -ra words < <(input names)
    _dropped | _release
    # What is there and right is not named: apt would upgrade it.
    for word in "${words[@]}"; do
        if ! _right "$word"; then missing+=("$word"); fi
    done
    if ((${#missing[@]})); then
        _before
        _install "${missing[@]}" || { pkg_update && _install "${missing[@]}"; }
    fi
    _after
    if [[ $(input hold no) == yes ]]; then _hold; fi
}

undo() {
    local name folder
    input names | _names | _release
    for name in $(input names | _names); do
        if pkg_installed "$name"; then return; fi
    done
    for folder in $(input folders ''); do
        if [[ -d $folder ]]; then
            awk -v "folder=$folder/" 'index($2, folder) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r umount
            find "$folder" -xdev -mindepth 1 -delete
            rmdir "$folder" 2>/dev/null || true # a mount point stays, empty
        fi
    done
}

# Is `name` or `name=version` installed so? A version may be a glob.
_right() {
    local seen wanted='*'
    seen=$(pkg_version "${1%%=*}")
    if [[ $1 == *=* ]]; then wanted=${1#*=}; fi
    # shellcheck disable=SC2053  # a glob is meant
    [[ -n $seen && $seen == $wanted ]]
}

_install() {
    apt_get install --no-install-recommends --fix-broken --allow-change-held-packages \
        -o APT::Keep-Downloaded-Packages=false -- "$@"
}

# What this step asked for when it was last applied, and no longer does, and still has: by hold or as asked for.
_dropped() {
    comm -23 <(previous names '' | _names) <(input names | _names) |
        comm -12 - <({ _list held; comm -12 <(_list came) <(apt-mark showmanual | _names); } | sort -u)
}

# Names only, one per line, sorted.
_names() {
    tr ' ' '\n' | sed 's/=.*//; s/:.*//; /^$/d' | sort -u
}

# The list $1 (came, went, auto, held), sorted.
_list() {
    cat "$GPU_METAL_HOME/packages/$1" 2>/dev/null || true
}

# The list $1 becomes stdin; an empty one is none.
_save() {
    local file=$GPU_METAL_HOME/packages/$1
    sort -u | write_file "$file" 0600
    if [[ ! -s $file ]]; then rm -f "$file"; fi
}

_installed() {
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u
}

# What there is before an installation; kept when a cut run has left it.
_before() {
    if [[ -e $GPU_METAL_HOME/packages/before ]]; then return; fi
    apt-mark showauto | _names | _save before-auto
    _installed | _save before
}

# Writes down what an installation changed, also one that a killed run made.
_after() {
    if [[ ! -e $GPU_METAL_HOME/packages/before ]]; then return; fi
    { _list came; comm -13 <(_list before) <(_installed); } | sort -u | comm -23 - <(_list went) | _save came
    { _list went; comm -23 <(_list before) <(_installed); } | sort -u | comm -23 - <(_list came) |
        comm -23 - <(_installed) | _save went
    { _list auto; input names | _names | comm -12 - <(_list before-auto); } | _save auto
    rm -f "$GPU_METAL_HOME/packages/before" "$GPU_METAL_HOME/packages/before-auto"
}

_hold() {
    local name
    for name in $(input names | _names); do
        if ! pkg_held "$name"; then
            { _list held; printf '%s\n' "$name"; } | _save held
            pkg_hold "$name"
        fi
    done
}

# Those names of stdin that we hold.
_unhold() {
    local ours
    ours=$(comm -12 - <(_list held))
    if [[ -n $ours ]]; then
        xargs apt-mark unhold <<<"$ours"
        comm -23 <(_list held) - <<<"$ours" | _save held
    fi
}

# The packages of stdin are no longer asked for: what came with them goes, unless something else needs it. That another
# package only recommends or suggests it is no need: it did without before.
_release() {
    local names
    names=$(_names)
    if [[ -z $names ]]; then return; fi
    _unhold <<<"$names"
    { _list came; _list auto; } | sort -u | comm -12 - <(_installed) | comm -12 - <(printf '%s\n' "$names") |
        xargs -r apt-mark auto
    apt-get -s -qq autoremove -o APT::AutoRemove::RecommendsImportant=false \
        -o APT::AutoRemove::SuggestsImportant=false |
        awk '$1 == "Remv" { print $2 }' | _names | comm -12 - <(_list came) | _purge
    comm -12 <(_list came) <(_installed) | _save came
    comm -23 <(_list auto) - <<<"$names" | _save auto
    _bring_back
}

_purge() {
    local names
    mapfile -t names
    if ((${#names[@]})); then pkg_purge "${names[@]}"; fi
}

# What had to go for ours (chrony puts out systemd-timesyncd) comes back as soon as nothing is in its way.
_bring_back() {
    local name
    for name in $(_list went); do
        if ! apt-get -s -qq install --no-install-recommends "$name" | grep '^Remv' >/dev/null; then
            apt_get install --no-install-recommends -o APT::Keep-Downloaded-Packages=false -- "$name"
        fi
    done
    comm -23 <(_list went) <(_installed) | _save went
}
