# PostgreSQL's package makes no cluster beside Orchestra's own.
# rows: T1
#
# The cluster that it would make takes port 5432. On a host that had PostgreSQL before, nothing is changed.

check() {
    if [[ -e /etc/postgresql-common && ! -e $(_file) ]] && ! kept "$(_file)"; then return; fi
    if ! _text | same_file "$(_file)"; then untrue "$(_file) does not keep PostgreSQL's package from making a cluster"; fi
}

apply() {
    keep "$(_file)"
    _text | write_file "$(_file)" 0644
}

undo() { restore "$(_file)"; }

_file() { printf '/etc/postgresql-common/createcluster.d/gpu-metal.conf'; }

_text() { printf '# gpu-metal\ncreate_main_cluster = false\n'; }
