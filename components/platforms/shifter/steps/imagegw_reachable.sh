# The image gateway answers this host, knows the site's system, and accepts this host's munge.
# rows: F2 F4 F5
# inputs: url system host
# uses: shifter

check() {
    local seen
    seen=$(imagegw_list "$(input url)" "$(input system)")
    case $seen in
        404*)
            untrue "system $(input system) differs: the image gateway at $(input url) has no list of it. Fix: is that" \
                "$(input host)'s, with this name under Platforms in its imagemanager.json, and does its database run?"
            ;;
        000*)
            untrue "has no answer from the image gateway at $(input url): ${seen#000 }. Fix: on $(input host)" \
                "systemctl status shifter_imagegw; then whether its port is open for this host"
            ;;
    esac
    if ! munge -n >/dev/null 2>&1; then
        untrue "munge makes no credential: $(munge -n 2>&1 >/dev/null | tail -n 1). Fix: systemctl status munge"
    fi
    seen=$(imagegw_list "$(input url)" "$(input system)" munge)
    case $seen in
        200*) ;;
        4*)
            untrue "the image gateway at $(input url) refuses this host's munge (HTTP $seen). Fix: on $(input host) and" \
                "here, the same key (mungeSecret) and the same time; journalctl -u shifter_imagegw there says which"
            ;;
        *)
            untrue "the image gateway at $(input url) gives no list: HTTP $seen. Fix: does it reach its database?" \
                "journalctl -u shifter_imagegw on $(input host) says more"
            ;;
    esac
}
