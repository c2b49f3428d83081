# Names under the site's domain lead to the ingress. Words: NAME DOMAIN ADDRESS…

name=$1 domain=$2
shift 2
seen=$(timeout 10 getent ahostsv4 "$name.$domain" | awk '{ print $1 }' | sort -u | paste -sd ' ' || true)
if [[ -z $seen ]]; then
    remark "no name server that this host asks knows names under $domain. They need *.$domain at $*"
elif [[ " $* " != *" ${seen%% *} "* ]]; then
    remark "$name.$domain is $seen here, and the ingress is at $*"
else
    printf '*.%s is %s\n' "$domain" "$seen"
fi
