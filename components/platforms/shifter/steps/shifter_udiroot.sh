# udiRoot.conf has the site's settings, belongs to root, and is readable by all.
# rows: F2 F6
# inputs: file mounts
# bulk: text
#
# Each start of a container reads it anew: nothing is restarted.

check() {
    local folder
    if ! bulk text | same_file "$(input file)"; then untrue "$(input file) is not what the site says"; fi
    if [[ $(stat -Lc '%a %U' "$(input file)") != '644 root' ]]; then untrue "$(input file) is not root's with mode 644"; fi
    for folder in $(input mounts ''); do
        if [[ ! -e $folder ]]; then
            untrue "has no $folder, which udiRoot.siteFs mounts into containers: none would start." \
                "Fix: mount it, or take it off siteFs"
        fi
    done
}

apply() {
    keep "$(input file)"
    bulk text | write_file "$(input file)" 0644 root:root
}

undo() {
    restore "$(input file)"
}
