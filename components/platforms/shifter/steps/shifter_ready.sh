# shifter starts for a user, and accepts its udiRoot.conf.
# rows: F2
# inputs: prefix file
#
# It refuses the whole file for one key that its version does not know. Not undone: this step makes nothing.

check() {
    local said
    # Without an image it stops right after it has read its settings. Run by a user's number, so that its mode 4755 counts.
    said=$(cd / && setpriv --reuid 65534 --regid 65534 --clear-groups env -i PATH="$PATH" \
        "$(input prefix)/bin/shifter" 2>&1 </dev/null || true)
    if [[ $said == *'to parse udiRoot configuration'* ]]; then
        untrue "shifter refuses $(input file): $(sed '/parse udiRoot/d;q' <<<"$said"). Fix: source.version must be that of the source," \
            "and udiRoot.more have only keys that it knows"
    fi
    if [[ $said != *mage* ]]; then
        untrue "$(input prefix)/bin/shifter does not start as a user: $(head -n 1 <<<"$said")"
    fi
}
