# shellcheck shell=bash
# Folders of the system (FHS 3.0) that need not belong to any package. A package manager takes an empty one away with the
# last package that had a file in it, although it was there before. Sourced by lib.sh.

# system_folders: their paths, parents first
system_folders() {
    printf '%s\n' /boot /etc/opt /home /media /mnt /opt /srv \
        /usr/games /usr/include /usr/libexec /usr/local /usr/src \
        /usr/local/{bin,etc,games,include,lib,libexec,sbin,share,src} /usr/local/share/{ca-certificates,man} \
        /var/{cache,crash,games,lib,local,log,mail,opt,spool,tmp}
}

# system_folders_there: those that exist, one `MODE OWNER:GROUP PATH` a line. A link to a folder does not count.
system_folders_there() {
    local folder there=()
    for folder in $(system_folders); do
        if [[ -d $folder && ! -L $folder ]]; then there+=("$folder"); fi
    done
    stat -c '%04a %u:%g %n' "${there[@]}"
}

# bring_folders: creates the missing ones of the folders on stdin, a list that system_folders_there printed
bring_folders() {
    local mode owner folder
    while read -r mode owner folder; do
        if [[ -e $folder || -L $folder ]]; then continue; fi
        mkdir -- "$folder"
        chown -- "$owner" "$folder"
        chmod -- "$mode" "$folder"
    done
}
