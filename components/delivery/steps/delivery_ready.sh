# The vendor's archive is on this host if it is to be, and there is room to unpack it; or it is unpacked already.
# rows: R2
# inputs: name folder sha256 free_gb file
# uses: delivery
#
# The archive's checksum is compared before it is unpacked: of gigabytes that takes a while.

check() {
    if delivery_unpacked; then return; fi
    if [[ -n $(input file '') && ! -r $(input file) ]]; then
        untrue "has no file $(input file), wants the archive of $(input name) there. Fix: copy it to this host," \
            "or write package.local: FILE for one on your own machine"
    fi
    delivery_room
}
