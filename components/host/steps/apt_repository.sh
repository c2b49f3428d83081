# A package source is set up with a key of its own (Signed-By), and its index has been read.
# rows: H6
# inputs: name url suite components fingerprint key_url
# bulk: key
#
# The key comes with the layer, or the host fetches it from key_url; a fingerprint is compared before anything uses it.
# apt has one entry for each source: where another file names this one with another key, apt refuses all work, and with
# the same key it counts the index as that file's. So such a file is named, and nothing is changed.

check() {
    _is_alone
    if ! _wanted | same_file "$(_source)"; then untrue "$(_source) is not what the site says of this source"; fi
    same_key "$(_keyring)"
    remark_expired "$(_keyring)"
    if [[ -z $(_indexes FILENAME) ]]; then untrue "the index of $(_url) has not been read"; fi
}

apply() {
    local fetched=$GPU_METAL_RUN/key
    _is_alone
    bring_key "$fetched" "$(_url)"
    lasting_key "$fetched"
    keep "$(_keyring)"
    keep "$(_source)"
    write_file "$(_keyring)" 0644 <"$fetched"
    rm -f "$fetched"
    _wanted | write_file "$(_source)" 0644
    _read_index
}

undo() {
    _forget_indexes
    restore "$(_source)"
    restore "$(_keyring)"
}

_url() {
    os_text "$(input url)"
}

_source() {
    printf '/etc/apt/sources.list.d/gpu-metal-%s.sources' "$(input name)"
}

_keyring() {
    printf '/etc/apt/keyrings/gpu-metal-%s.asc' "$(input name)"
}

_is_alone() {
    local other
    other=$(_other)
    if [[ -n $other ]]; then
        untrue "$(_url) $(os_text "$(input suite)") is set up by $other too: apt takes a source from one file only." \
            "Nothing was changed. Fix: remove that entry from $other, or, to use it as it is there," \
            "write repositories: {$(input name): null}"
    fi
}

# The first other file that names this URL and suite, as apt compares them, in one of its two forms (sources.list(5))
_other() {
    local files
    mapfile -t files < <(find /etc/apt/sources.list /etc/apt/sources.list.d -maxdepth 1 -type f,l \
        \( -name '*.list' -o -name '*.sources' \) ! -path "$(_source)" 2>/dev/null | LC_ALL=C sort)
    if ((${#files[@]} == 0)); then return; fi
    awk -v url="$(_url)" -v suite="$(os_text "$(input suite)")" '
        function bare(text) { sub(/\/+$/, "", text); return text }
        function among(word, list,    words, n, i) {
            n = split(list, words)
            for (i = 1; i <= n; i++) if (bare(words[i]) == bare(word)) return 1
            return 0
        }
        function stanza() {
            if (value["enabled"] !~ /^[ \t]*(no|false|off|0)/ && among(url, value["uris"]) && among(suite, value["suites"]))
                found = file
            split("", value)
        }
        FNR == 1 { stanza(); file = FILENAME }
        found { exit }
        /^[ \t]*#/ { next }
        file ~ /\.list$/ && /^[ \t]*deb(-src)?[ \t]/ {
            sub(/#.*/, ""); sub(/\[[^]]*\]/, "")
            if (bare($2) == bare(url) && bare($3) == bare(suite)) found = file
            next
        }
        file !~ /\.sources$/ { next }
        /^[ \t]*\r?$/ { stanza(); next }
        /^[^ \t:]+:/ { field = tolower(substr($0, 1, index($0, ":") - 1)); sub(/^[^:]*:/, "") }
        { value[field] = value[field] " " $0 }
        END { if (!found) stanza(); if (found) print found }
    ' "${files[@]}"
}

_wanted() {
    printf '# gpu-metal\nTypes: deb\nURIs: %s\nSuites: %s\n' "$(_url)" "$(os_text "$(input suite)")"
    if [[ -n $(input components '') ]]; then printf 'Components: %s\n' "$(input components)"; fi
    printf 'Signed-By: %s\n' "$(_keyring)"
}

# Reads the index of this source only: the others may be unreachable.
_read_index() {
    read_index "$(_url)" apt_get update -o "Dir::Etc::SourceList=$(_source)" -o Dir::Etc::SourceParts=- \
        -o APT::Get::List-Cleanup=false -o APT::Update::Error-Mode=any
}

# The fields $* of each index of this source that apt has.
_indexes() {
    # shellcheck disable=SC2016  # these are apt's variables
    apt-get indextargets --format "$(printf '$(%s) ' "$@")" "Sourcesentry: $(_source):1" 'Created-By: Packages'
}

_forget_indexes() {
    local file key
    while read -r file key; do
        rm -f -- "${file%"${key//\//_}"}"*
    done < <(_indexes FILENAME METAKEY)
}
