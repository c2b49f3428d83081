# Each Secret is in etcd as the site says: encrypted with its first key, or as plain text.
# rows: K14
# inputs: how planes
# limit: 7200
# uses: kubernetes stored
#
# The API server writes an object that is not stored as it would store it, also when nothing of it changes. `planes` are
# not read: one that joined may have written Secrets as before.
# Not undone: the keys stay until Secrets are written otherwise.

check() {
    local others all
    all=$(stored_secrets)
    others=$(_others <<<"$all")
    if [[ -z $others ]]; then return 0; fi
    untrue "$(wc -l <<<"$others") of $(wc -l <<<"$all") Secrets are not $(_wanted) in etcd, for example" \
        "$(head -n 1 <<<"$others" | sed 's/ /: /')"
}

apply() {
    local said='' others namespace names
    for _ in {1..5}; do
        others=$(stored_secrets | _others)
        if [[ -z $others ]]; then return 0; fi
        while read -r namespace names; do
            # One may be deleted at this moment: what is left is looked at again.
            # shellcheck disable=SC2086 # one word is one name
            said=$(cluster_api -n "$namespace" patch secret $names --type merge -p '{}' 2>&1 >/dev/null </dev/null) || true
        done < <(_batches <<<"$others")
    done
    untrue "$(wc -l <<<"$others") Secrets are not $(_wanted) in etcd, for example $(head -n 1 <<<"$others" | sed 's/ /: /')." \
        "${said##*$'\n'}"
}

_wanted() {
    case $(input how) in
        plain) echo 'plain text' ;;
        *) printf 'encrypted with the key %s' "$(input how | cut -d : -f 3)" ;;
    esac
}

_others() { awk -v how="$(input how)" 'NF && $2 != how'; }

# Lines `NAMESPACE NAME…`, of up to 50 names
_batches() {
    awk '{ split($1, part, "/"); names[part[1]] = names[part[1]] " " part[2] }
      ++count[part[1]] % 50 == 0 { print part[1] names[part[1]]; names[part[1]] = "" }
      END { for (one in names) if (names[one] != "") print one names[one] }'
}
