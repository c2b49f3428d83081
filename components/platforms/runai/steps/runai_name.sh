# A name of Run:ai leads to the ingress.
# rows: R1
# inputs: name addresses key

check() {
    local seen wanted name
    wanted=$(input addresses)
    name=$(input name)
    seen=$(timeout 10 getent ahostsv4 "$name" | awk '{ print $1 }' | sort -u | paste -sd ' ' || true)
    if [[ -z $seen ]]; then
        remark "no name server that this host asks knows $name: neither people nor pods find Run:ai there until" \
            "it is at ${wanted// / or }"
    elif [[ " $wanted " != *" ${seen%% *} "* ]]; then
        untrue "$name is $seen here, and the ingress is at ${wanted// / or }. Nothing was changed." \
            "Fix: correct $name on the name server, or $(input key) in the site"
    fi
}
