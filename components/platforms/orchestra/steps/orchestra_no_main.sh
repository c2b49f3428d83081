# PostgreSQL's package makes no cluster beside Orchestra's own.
# rows: T1
#
# The cluster that it would make takes port 5432. On a host that had PostgreSQL before, nothing is changed. undo runs when
# the package is gone: it puts back the system's language if the package `locales` that came along took it away.

check() {
    if [[ -e /etc/postgresql-common && ! -e $(_file) ]] && ! kept "$(_file)"; then return; fi
    if ! _text | same_file "$(_file)"; then untrue "$(_file) does not keep PostgreSQL's package from making a cluster"; fi
}

apply() {
    keep "$(_file)"
    keep "$(os_path locale_conf)"
    _text | write_file "$(_file)" 0644
}

undo() {
    restore "$(_file)"
    if [[ ! -e $(os_path locale_conf) ]]; then restore "$(os_path locale_conf)"; fi
}

_file() { printf '/etc/postgresql-common/createcluster.d/gpu-metal.conf'; }

_text() { printf '# gpu-metal\ncreate_main_cluster = false\n'; }
