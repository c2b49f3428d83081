# The ingress shows the site's certificate, which is valid for a while. Words: FINGERPRINT NAME PORT ADDRESS…; the
# fingerprint is `any` for one that cert-manager renews.

wanted=$1 name=$2 port=$3
shift 3
if [[ -z $(command -v openssl) ]]; then
    untrue "has no openssl to look at the certificate with. Fix: write packages: [openssl] for this host"
fi
shown=
for address; do
    shown=$(timeout 10 openssl s_client -connect "$address:$port" -servername "$name" </dev/null 2>/dev/null |
        openssl x509 -noout -fingerprint -sha256 -enddate 2>/dev/null || true)
    if [[ -n $shown ]]; then break; fi
done
if [[ -z $shown ]]; then untrue "no certificate is shown at port $port of $*. Fix: see ingress/answers"; fi
finger=$(sed -n 's/^.*ingerprint=//p' <<<"$shown")
end=$(sed -n 's/^notAfter=//p' <<<"$shown")
days=$((($(date -d "$end" +%s) - $(date +%s)) / 86400))
if [[ $wanted != any && $finger != "$wanted" ]]; then
    untrue "another certificate than that of network.ingress.certificate is shown for $name (it ends on $end)." \
        "Fix: pulumi up"
fi
if [[ $wanted == any ]] && ((days < 15)); then
    untrue "the certificate ends on $end, and was not renewed. Fix: see ingress/issued"
fi
if ((days < 0)); then
    untrue "the certificate ended on $end. Fix: put a new one into network.ingress.certificate, then pulumi up"
fi
if ((days < 30)); then remark "$days days left, until $end"; else printf '%s days left, until %s\n' "$days" "$end"; fi
