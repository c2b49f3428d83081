# The gateway's user exists, and owns the folders for images, for pulled data and for expanded data.
# rows: F5
# inputs: user images cache expand

check() {
    local key
    if ! getent passwd "$(input user)" >/dev/null; then untrue "has no user $(input user), which runs the image gateway"; fi
    for key in images cache expand; do
        if [[ ! -d $(input $key) ]]; then untrue "has no folder $(input $key)"; fi
        if [[ $(stat -c %U "$(input $key)") != "$(input user)" ]]; then
            untrue "$(input $key) is $(stat -c %U "$(input $key)")'s, wants $(input user) as its owner"
        fi
        if [[ $(stat -c %A "$(input $key)") != d???r?xr?[xt] ]]; then
            untrue "$(input $key) cannot be read by all: chmod a+rx $(input $key)"
        fi
    done
}

apply() {
    local key
    if ! getent passwd "$(input user)" >/dev/null; then
        input user | write_file "$(_made)" 0600
        useradd --system --user-group --no-create-home --home-dir /nonexistent --shell "$(command -v nologin)" \
            "$(input user)"
    fi
    for key in images cache expand; do _folder "$(input $key)"; done
}

# Images stay, and so does the user that owns them: nobody else may get its number.
undo() {
    local folder user
    user=$(input user)
    for folder in "$(input expand)" "$(input cache)"; do
        if kept "$folder" && [[ -d $folder ]]; then find "$folder" -xdev -mindepth 1 -delete; fi
        restore "$folder"
    done
    if [[ -n $(find "$(input images)" -xdev -mindepth 1 -user "$user" -print -quit 2>/dev/null) ]]; then
        remark "left: images in $(input images), and their owner, $user"
        return
    fi
    restore "$(input images)"
    if [[ $(cat "$(_made)" 2>/dev/null) != "$user" ]]; then return; fi
    for folder in "$(input images)" "$(input cache)" "$(input expand)"; do
        if [[ -d $folder ]]; then chown -- root:root "$folder"; fi
    done
    if getent passwd "$user" >/dev/null; then userdel "$user"; fi
    if getent group "$user" >/dev/null; then groupdel "$user"; fi
    rm -f "$(_made)"
}

_made() {
    printf '%s/imagegw-user' "$GPU_METAL_HOME"
}

_folder() {
    local said
    if [[ ! -d $1 ]]; then
        keep "$1"
        (umask 022 && mkdir -p -- "$1")
    fi
    chmod a+rx -- "$1"
    # On a shared filesystem root may be mapped to nobody.
    if [[ $(stat -c %U "$1") != "$(input user)" ]] && ! said=$(chown -- "$(input user):" "$1" 2>&1); then
        untrue "$1 cannot be given to $(input user): ${said##*: }." \
            "Fix: chown it where the filesystem is served, to number $(id -u "$(input user)")"
    fi
}
