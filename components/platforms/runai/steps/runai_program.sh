# A command of Run:ai is the site's file, and everybody on this host can run it.
# rows: R8
# inputs: name file url sha256
# uses: runai

check() {
    local path seen
    path=$(_path)
    if [[ ! -f $path || -L $path ]]; then untrue "has no $path, wants the site's $(input name) there"; fi
    seen=$(sha256sum <"$path")
    if [[ ${seen%% *} != "$(input sha256)" ]]; then
        untrue "$path has SHA-256 ${seen%% *}, wants $(input sha256)"
    fi
    seen=$(stat -c '%04a %U' "$path")
    if [[ $seen != '0755 root' ]]; then untrue "$path is $seen, wants 0755 root"; fi
}

apply() {
    local path tried staged=$GPU_METAL_HOME/runai-program said status=0
    path=$(_path) tried=${path%/*}/.${path##*/}.gpu-metal
    bring_artefact "$staged" "the command $(input name)" "compare with what Run:ai's user interface gives; then correct sha256"
    keep "$path"
    install -D -m 0755 -- "$staged" "$tried"
    rm -f -- "$staged"
    said=$(runai_try "$tried" --help 2>&1) || status=$?
    if ((status)); then
        rm -f -- "$tried"
        untrue "The command $(input name) does not run here ($(uname -m)): it ended with $status," \
            "$(tail -n 1 <<<"${said:-no word}" | cut -c -200). It was not used." \
            "Fix: get the program for Linux on $(uname -m)"
    fi
    sync "$tried"
    mv -T -- "$tried" "$path"
    sync "${path%/*}"
}

undo() {
    restore "$(_path)"
    rm -f -- "$GPU_METAL_HOME/runai-program"
}

_path() { printf '/usr/local/bin/%s\n' "$(input name)"; }
