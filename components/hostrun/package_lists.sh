# shellcheck shell=bash
# shellcheck disable=SC2154  # gm_layer and gm_step come by stdin
# Lists of packages' names, in memory and in HOME/packages: text, one name a line, sorted, each once. Sourced by lib.sh.
# They are worked on in this shell: processes would cost more than all that is done with them.

# _pkg_names WORDS → REPLY: their names, without version and architecture
_pkg_names() {
    local word names=() at
    for word in $1; do
        word=${word%%=*}
        word=${word%%:*}
        if [[ " ${names[*]} " == *" $word "* ]]; then continue; fi
        at=${#names[@]}
        while ((at > 0)) && [[ ${names[at - 1]} > $word ]]; do
            names[at]=${names[at - 1]}
            at=$((at - 1))
        done
        names[at]=$word
    done
    local IFS=$'\n'
    REPLY="${names[*]}"
}

# _pkg_see WORDS: into the table pkg_seen, the versions of those that are installed, by name
_pkg_see() {
    local word names=()
    for word in $1; do names+=("${word%%=*}"); done
    if ((${#names[@]})); then pkg_see "${names[@]}"; fi
}

# _pkg_without A B → REPLY: the names of A that are not in B · _pkg_both A B: those that are · _pkg_plus A B: all of both
_pkg_without() { _pkg_choose "$1" "$2" ''; }
_pkg_both() { _pkg_choose "$1" "$2" in; }
_pkg_plus() {
    _pkg_without "$2" "$1"
    if [[ -z $REPLY || -z $1 ]]; then
        REPLY=$1$REPLY
    else
        REPLY=$(printf '%s\n' "$1" "$REPLY" | sort)
    fi
}

_pkg_choose() { # A B in|''
    local name text=''
    local -A second=()
    for name in $2; do second[$name]=in; done
    for name in $1; do
        if [[ ${second[$name]-} == "$3" ]]; then text+=$name$'\n'; fi
    done
    REPLY=${text%$'\n'}
}

# _pkg_read LIST… → REPLY: the lists came, went, auto, held, folders, asked/…, as they were saved, one after the other
_pkg_read() {
    local list text=''
    for list in "$@"; do
        if [[ ! -f $GPU_METAL_HOME/packages/$list ]]; then continue; fi
        read_file "$GPU_METAL_HOME/packages/$list"
        text+=$REPLY
    done
    REPLY=${text%$'\n'}
}

# _pkg_save LIST NAMES: an empty list has no file
_pkg_save() {
    local file=$GPU_METAL_HOME/packages/$1
    if [[ -n $2 ]]; then write_text "$file" 0600 "$2"$'\n'; elif [[ -e $file ]]; then rm -f "$file"; fi
}

_pkg_add_to() { # LIST NAMES
    _pkg_read "$1"
    _pkg_plus "$REPLY" "$2"
    _pkg_save "$1" "$REPLY"
}

# _pkg_elsewhere → REPLY: the names that the other steps of this host ask for
_pkg_elsewhere() {
    local file lists=()
    for file in "$GPU_METAL_HOME"/packages/asked/*; do
        if [[ ${file##*/} != "$gm_layer.$gm_step" ]]; then lists+=("asked/${file##*/}"); fi
    done
    _pkg_read "${lists[@]}"
}
