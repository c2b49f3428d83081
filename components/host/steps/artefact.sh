# The vendor's file that the site names is on this host.
# rows: H16
# inputs: file what
#
# Its checksum is compared by the step that uses it.

check() {
    if [[ ! -r $(input file) ]]; then
        untrue "has no file $(input file), wants $(input what) there. Fix: copy it to this host"
    fi
}
