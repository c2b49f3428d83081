# This control plane's API server knows the keys of Secrets that the site names, and writes with the first of them.
# rows: K14
# inputs: phase order planes
# secrets: one for each key, in the phase known
# uses: kubernetes stored
#
# A Secret that one API server wrote, all others must be able to read. So the site changes keys in phases, each on all
# control planes before the next: `known`, they can read with the new keys and write as before; `first`, they write with
# the site's first; then all Secrets are written anew (secrets_written); `only`, former keys go. `order` has the names of
# keys, and `identity` for plain text. The copy of the former file is also the mark of a restart that is due.

_folder=/etc/kubernetes/gpu-metal/api-server
_file=$_folder/encryption-provider-config
_former=/etc/kubernetes/gpu-metal/encryption-former
_manifest=/etc/kubernetes/manifests/kube-apiserver.yaml

check() {
    local seen wanted
    seen=$(_names) wanted=$(_wanted)
    if [[ $seen != "$wanted" ]]; then untrue "the keys in $_file are ${seen:-none}, wanted $wanted"; fi
    if [[ -e $_former ]]; then untrue "the API server was not restarted with the keys of $_file"; fi
}

apply() {
    local wanted text
    wanted=$(_wanted)
    if [[ $(input phase) == known ]]; then _refuse_unfit; fi
    if [[ $(input phase) == only ]]; then _refuse_needed; fi
    # shellcheck disable=SC2086 # one word is one name
    text=$(_text $wanted)
    (umask 022 && mkdir -p $_folder)
    if _takes_effect && [[ ! -e $_former && $text != "$(cat $_file 2>/dev/null)" ]]; then
        # Without it, an empty one: it is a mark.
        (umask 077 && cat $_file >$_former.new 2>/dev/null) || true
        mv $_former.new $_former
    fi
    # By a pipe: Bash of earlier releases puts a text of <<< into a file.
    printf '%s\n' "$text" | write_file $_file 0600
    if [[ -e $_former ]]; then _take_in_use; fi
}

undo() {
    if [[ $(input phase) != known ]]; then return 0; fi
    if _is_read; then
        printf '%s stays: the API server reads it. It goes with the cluster\n' $_file
        return 0
    fi
    rm -f $_file $_former
    rmdir --ignore-fail-on-non-empty $_folder 2>/dev/null || true
}

# The names in the file, in their order
_names() {
    { sed -nE 's/^ +- secretbox: .*name: "([^"]+)".*/\1/p; s/^ +- (identity): .*/\1/p' $_file 2>/dev/null || true; } | paste -sd ' '
}

_wanted() {
    local order seen
    order=$(input order | tr , ' ') seen=$(_names)
    case $(input phase) in
        # The only one of a cluster that is to begin: nobody else reads what it writes.
        known) if [[ -z $seen && ! -s /etc/kubernetes/kubelet.conf ]] && _is_alone; then echo "$order"; else _once "${seen:-identity} $order"; fi ;;
        first) _once "$order $seen" ;;
        only) echo "$order" ;;
    esac
}

_once() { tr ' ' '\n' <<<"$1" | awk 'NF && !there[$0]++' | paste -sd ' '; }

_is_alone() { [[ $(input planes) != *,* ]]; }

_is_read() { grep -qsF -- "--encryption-provider-config=$_file" $_manifest; }

# Former keys may stay in its memory until it starts again; and one that is alone learns of new ones when it uses them.
_takes_effect() {
    _is_read && case $(input phase) in known) ! _is_alone ;; first) true ;; only) false ;; esac
}

# The file for these names. A key that the site does not name any more is taken from the file that is there.
_text() {
    local name
    printf '%s\n' 'apiVersion: apiserver.config.k8s.io/v1' 'kind: EncryptionConfiguration' 'resources:' \
        '  - resources: [secrets]' '    providers:'
    for name in "$@"; do
        if [[ $name == identity ]]; then printf '      - identity: {}\n'; else _line "$name"; fi
    done
}

_line() {
    if [[ $(input phase) == known && ,$(input order), == *,"$1",* ]]; then
        _of_site "$1"
    elif ! grep -sF -- "{name: \"$1\"," $_file; then
        untrue "$_file has not the key $1. Fix: sitectl drift --record, then pulumi up"
    fi
}

_of_site() { printf '      - secretbox: {keys: [{name: "%s", secret: "%s"}]}\n' "$1" "$(secret "key.$1")"; }

# Of what the site gives: what is no key, and another key under the name of one that Secrets need
_refuse_unfit() {
    local name
    for name in $(input order | tr , ' '); do
        if [[ $name == identity ]]; then continue; fi
        if (($({ secret "key.$name" | base64 -d 2>/dev/null || true; } | wc -c) != 32)); then
            untrue "the secret of the key $name is not 32 bytes in base64. Nothing was changed." \
                "Fix: head -c 32 /dev/urandom | base64 | pulumi config set --secret NAME"
        fi
        if _is_read && grep -qsF -- "{name: \"$name\"," $_file && ! _of_site "$name" | grep -qxFf - $_file; then
            untrue "the secret of the key $name is another than before, and Secrets may be encrypted with that. Nothing was" \
                "changed. Fix: set the former one again; give a new key a name of its own, and put it before $name"
        fi
    done
}

_refuse_needed() {
    local needed
    # shellcheck disable=SC2046 # one word is one name
    needed=$(secrets_unreadable <(_text $(_wanted)) | paste -sd ' ')
    if [[ -z $needed ]]; then return 0; fi
    untrue "Secrets in etcd are encrypted with $needed, which the site does not name. Nothing was changed." \
        "Fix: sitectl drift --record, then pulumi up, which writes them anew"
}

# One that does not answer before it is changed, such as that of a control plane that was taken out, is not waited for: it
# reads the file when it starts, and the layer `node` says what else it lacks. Only before that layer: after it, it must.
_answered() {
    local process deadline=$((SECONDS + 60))
    if [[ $(input phase) != known ]]; then return 0; fi
    until api_server_is_ready; do
        if ((SECONDS < deadline)); then
            sleep 2
            continue
        fi
        process=$(api_server_process)
        if [[ -n $process ]]; then kill -TERM "$process" || true; fi
        return 1
    done
}

_take_in_use() {
    local said
    if ! _answered; then
        rm -f $_former
        return 0
    fi
    if said=$(api_server_restart); then
        rm -f $_former
        return 0
    fi
    if [[ -s $_former ]]; then write_file $_file 0600 <$_former; fi
    api_server_restart >/dev/null || true
    rm -f $_former
    untrue "the API server did not start with the keys of the site: $said. The former file is back." \
        "Fix: mend what it says, then pulumi up"
}
