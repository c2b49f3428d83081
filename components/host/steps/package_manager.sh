# The package manager has no half-installed package: the first install of ours would stop at it.
# rows: H7 H16

check() {
    local broken
    if [[ -z $(os_family) ]]; then
        untrue "has no package manager that is known here, wants apt or dnf. Fix: see the check os"
    fi
    broken=$(pkg_unfinished)
    if [[ -n $broken ]]; then
        untrue "has unfinished packages (${broken//$'\n'/, }), wants none. Fix: $(pkg_repair)"
    fi
}
