# The system's language is installed and the default: for logins, and for services after the next boot.
# rows: H5
# inputs: name
#
# Debian compiles the locales of a list, so our marked line is added there: otherwise an update of the package would
# lose the locale. This step installs the package itself, because installing and removing it changes the default's file.

check() {
    local seen
    if ! _is_builtin; then
        seen=$(pkg_untrue @locales)
        if [[ -n $seen ]]; then untrue "$seen"; fi
    fi
    if ! _present; then untrue "has no locale $(input name), wants it"; fi
    if [[ $(os_family) == debian ]] && ! _is_builtin && ! _is_listed; then
        untrue "/etc/locale.gen does not list $(input name): an update of locales would lose it"
    fi
    seen=$(grep '^LANG=' "$(_settings)" 2>/dev/null || true)
    if [[ $seen != "LANG=$(input name)" ]]; then
        untrue "has ${seen:-no LANG} in $(_settings), wants LANG=$(input name)"
    fi
}

apply() {
    keep "$(_settings)"
    if ! _is_builtin; then
        pkg_add @locales
        if [[ $(os_family) == debian ]]; then _generate; fi
    fi
    if ! _present; then
        untrue "has no locale $(input name), wants it. Fix: write one of those that locale -a shows, or install its package"
    fi
    {
        grep -v '^LANG=' "$(_settings)" 2>/dev/null || true
        printf 'LANG=%s\n' "$(input name)"
    } |
        write_file "$(_settings)" 0644
}

undo() {
    pkg_drop
    # If the package was there before us, remove also the locale that it compiled for us.
    if grep -qxF '# gpu-metal' /etc/locale.gen 2>/dev/null; then
        _others | write_file /etc/locale.gen 0644
        if [[ -n $(command -v locale-gen) ]]; then locale-gen; fi
    fi
    restore "$(_settings)"
}

# The file itself: Debian 13 has a link there.
_settings() {
    readlink -f "$(os_path locale_conf)"
}

_is_builtin() {
    [[ $(input name) == C || $(input name) == POSIX || $(input name) == C.UTF-8 ]]
}

# As `locale -a` writes it: en_US.utf8
_plain() {
    awk '{ n = split($0, part, /[.@]/); gsub("-", "", part[2]); sub(/\.[^@]*/, "." tolower(part[2])) } 1'
}

_present() {
    local wanted
    wanted=$(input name | _plain)
    locale -a 2>/dev/null | _plain | grep -xF "$wanted" >/dev/null
}

_is_listed() {
    awk -v name="$(input name)" '$1 == name { found = 1 } END { exit !found }' /etc/locale.gen 2>/dev/null
}

# The list without our line, which follows its mark.
_others() {
    awk '/^# gpu-metal$/ { getline; next } 1' /etc/locale.gen
}

_generate() {
    local charset
    charset=$(awk -v name="$(input name)" '$1 == name { print $2; exit }' /usr/share/i18n/SUPPORTED)
    if [[ -z $charset ]]; then
        untrue "has no locale $(input name) in /usr/share/i18n/SUPPORTED, wants it. Fix: correct locale to one of that list"
    fi
    {
        _others
        printf '# gpu-metal\n%s %s\n' "$(input name)" "$charset"
    } | write_file /etc/locale.gen 0644
    locale-gen
}
