# Nobody else serves folders by Samba on this host.
# rows: N3
# uses: samba

check() {
    local others
    others=$(samba_others)
    if [[ -n $others ]]; then
        untrue "$others. Fix: name another host as samba.host; or write those shares into the site, stop Samba and move" \
            "that file away"
    fi
}
