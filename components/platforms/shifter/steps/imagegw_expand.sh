# Images are expanded on a filesystem of this host's own: on a parallel one it takes 40 times as long.
# rows: F5
# inputs: expand shared

check() {
    local folder kind
    folder=$(input expand)
    while [[ ! -d $folder ]]; do folder=$(dirname "$folder"); done
    kind=$(findmnt -nro FSTYPE -T "$folder" | tail -n 1)
    if [[ $(input shared) == no ]] && _shared "$kind"; then
        untrue "images.expand, $(input expand), is on $kind ($(findmnt -nro SOURCE -T "$folder" | tail -n 1)): pulls would" \
            "take up to 40 times as long. Fix: write a folder of a local disk; or accept that: images.sharedExpand: true"
    fi
}

_shared() {
    case $1 in
        nfs* | cifs | smb* | afs | 9p | ceph | lustre* | gpfs | beegfs | panfs | wekafs | pvfs2 | gfs2 | ocfs2 | fuse*) ;;
        *) return 1 ;;
    esac
}
