# The clock follows a time server.
# rows: H8

check() {
    local leap
    leap=$(chronyc -c tracking | cut -d, -f14) || leap='no answer'
    if [[ $leap != Normal ]]; then
        untrue "has chrony without a server that it follows ($leap), wants one in sync." \
            "Fix: chronyc sources shows which answer;" \
            "UDP port 123 to them must be open"
    fi
}
