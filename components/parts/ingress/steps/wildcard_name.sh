# Names under the site's domain lead to the ingress.
# rows: L2 H16
# inputs: name domain addresses

check() {
    local seen wanted
    wanted=$(input addresses)
    seen=$(timeout 10 getent ahostsv4 "$(input name).$(input domain)" | awk '{ print $1 }' | sort -u | paste -sd ' ' || true)
    if [[ -z $seen ]]; then
        remark "no name server that this host asks knows names under $(input domain). Nobody finds a service of the" \
            "ingress by its name until they have *.$(input domain) at ${wanted// / or }"
    elif [[ " $wanted " != *" ${seen%% *} "* ]]; then
        remark "$(input name).$(input domain) is $seen here, and the ingress is at ${wanted// / or }. Correct" \
            "*.$(input domain) on the name server, or network.ingress.address"
    fi
}
