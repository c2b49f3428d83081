# The site's Hadoop and Kerberos files are where SQream's installer reads them.
# rows: Q4
# inputs: user package
# bulk: core_site hdfs_site krb5
# secrets: keytab
# uses: sqream
#
# sqream_install gives them to SQream. The package may have files of its own there: undo puts them back.

_bulk=(core_site hdfs_site krb5)

check() {
    local key
    for key in "${_bulk[@]}"; do
        if ! bulk "$key" | same_file "$(_place "$key")"; then untrue "$(_place "$key") is not the site's"; fi
    done
    if [[ $(stat -Lc %a:%U "$(_place keytab)" 2>/dev/null) != "600:$(input user)" ]]; then
        untrue "$(_place keytab) is not there, or can be read by others"
    fi
    if ! sha256sum <"$(_place keytab)" | same_file "$(sqream_state keytab)"; then
        untrue "$(_place keytab) is not the keytab that the site gave"
    fi
}

apply() {
    local key decoded=$GPU_METAL_RUN/keytab
    if ! secret keytab | base64 -d >"$decoded" || [[ $(head -c 2 "$decoded" | od -An -tx1) != ' 05 0'[12] ]]; then
        rm -f "$decoded"
        untrue "The keytab is not a Kerberos keytab in base64. It was not used." \
            "Fix: base64 -w 0 hdfs.keytab | pulumi config set --secret gpu-metal:NAME"
    fi
    for key in "${_bulk[@]}"; do
        keep "$(_place "$key")"
        bulk "$key" | write_file "$(_place "$key")" 0640 "$(input user):"
    done
    keep "$(_place keytab)"
    write_file "$(_place keytab)" 0600 "$(input user):" <"$decoded"
    sha256sum <"$decoded" | write_file "$(sqream_state keytab)" 0600
    rm -f "$decoded"
}

undo() {
    local key
    # If the package's folder is gone, there is nothing to restore.
    for key in "${_bulk[@]}" keytab; do if [[ -d $(sqream_folder) ]]; then restore "$(_place "$key")"; fi; done
    rm -f "$(sqream_state keytab)"
}

_place() {
    local name
    case $1 in
        core_site) name=.hadoop/core-site.xml ;;
        hdfs_site) name=.hadoop/hdfs-site.xml ;;
        krb5) name=.krb5/krb5.conf ;;
        keytab) name=.krb5/hdfs.keytab ;;
    esac
    printf '%s/%s\n' "$(sqream_folder)" "$name"
}
