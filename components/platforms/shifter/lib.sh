# shellcheck shell=bash
# For steps that say `# uses: shifter`: its image gateway.

# imagegw_due: it must be restarted for what is about to be written. Said before, so that a cut in between loses nothing.
imagegw_due() { write_file "$GPU_METAL_HOME/imagegw-due" 0600 <<<due; }

# imagegw_list URL SYSTEM [munge]: the gateway's answer to a list of the system's images, asked as nobody or with munge, by
# HTTP's number; when it does not answer, 000 and why
imagegw_list() {
    local said
    # Not through a proxy: it is a host of the site. It waits half a minute for its database.
    said=$({ [[ -z ${3-} ]] || munge -n | sed 's/.*/header = "authentication: &"/'; } |
        curl --noproxy '*' --silent --show-error --max-time 40 --output /dev/null --write-out '%{http_code}\n' --config - \
            "$1/api/list/$2/" 2>&1) || true
    printf '%s\n' "$said" | sort | sed -E 's/^curl: \([0-9]+\) //' | paste -sd ' '
}
