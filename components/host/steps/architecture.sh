# The machine is x86_64, or ppc64le in a site without Kubernetes.
# rows: H3 H16
# inputs: kubernetes

check() {
    local seen
    seen=$(uname -m)
    case $seen in
        x86_64) ;;
        ppc64le)
            if [[ $(input kubernetes) == yes ]]; then
                untrue "has a ppc64le processor, wants x86_64 for Kubernetes. Fix: put the host into a site without it"
            fi
            ;;
        *) untrue "has a $seen processor, wants x86_64 or ppc64le. Fix: take the host out of the site" ;;
    esac
}
