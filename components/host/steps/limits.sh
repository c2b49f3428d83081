# PAM limits of every user, root too (which `*` does not cover), soft and hard alike; they hold from the next login on.
# rows: H10
# inputs: login nofile and one key per limit
#
# A line of a later file wins over ours, and so does a line for a user or a group in any file. So check opens a session of
# root and one of the user `login` and reads their limits: by su, which does it as sshd does and runs no profile.

check() {
    local user
    if ! _wanted | same_file /etc/security/limits.d/90-gpu-metal.conf; then
        untrue "/etc/security/limits.d/90-gpu-metal.conf is not what the site's limits say"
    fi
    for user in root "$(input login)"; do _at_login "$user"; done
}

apply() {
    _refuse_lockout
    keep /etc/security/limits.d/90-gpu-metal.conf
    _wanted | write_file /etc/security/limits.d/90-gpu-metal.conf 0644
}

undo() {
    restore /etc/security/limits.d/90-gpu-metal.conf
}

# The kernel refuses a limit above fs.nr_open, and PAM then refuses the login itself.
_refuse_lockout() {
    local files most
    files=$(input nofile 0)
    most=$(</proc/sys/fs/nr_open)
    if ((files < 0 || files > most)); then
        untrue "has fs.nr_open $most, wants nofile $files, with which nobody could log in." \
            "Fix: lower limits.nofile, or raise fs.nr_open under sysctl"
    fi
}

_at_login() { # USER
    local seen limit value
    if ! seen=$(su -s /bin/cat "$1" /proc/self/limits 2>&1); then
        # PAM sets limits as it opens the session. Before that, it refuses an expired account or password.
        if [[ $seen != *'open session'* ]]; then
            remark "cannot see the limits of a login of $1, which is refused before they are set:" \
                "$(grep -om 1 'su: .*' <<<"$seen" || printf '%s' "${seen##*$'\n'}"). Fix: passwd -S $1 and chage -l $1 show why"
            return
        fi
        untrue "no login of $1 comes about with these limits: ${seen##*$'\n'}. Fix: lower them in the site"
    fi
    while IFS='=' read -r limit value; do _has_limit "$1" "$limit" "$value" "$seen"; done < <(_limits)
}

# Compares what a login has, as /proc/self/limits says it: in bytes and seconds, where pam_limits counts KB and minutes.
_has_limit() { # USER LIMIT VALUE SEEN
    local row factor=1 wanted soft hard
    case $2 in
        core) row='core file size' factor=1024 ;;
        data) row='data size' factor=1024 ;;
        fsize) row='file size' factor=1024 ;;
        memlock) row='locked memory' factor=1024 ;;
        nofile) row='open files' ;;
        rss) row='resident set' factor=1024 ;;
        stack) row='stack size' factor=1024 ;;
        cpu) row='cpu time' factor=60 ;;
        nproc) row='processes' ;;
        as) row='address space' factor=1024 ;;
        locks) row='file locks' ;;
        sigpending) row='pending signals' ;;
        msgqueue) row='msgqueue size' ;;
        rtprio) row='realtime priority' ;;
        # No limits of a process: of logins, or a priority.
        *) return ;;
    esac
    if (($3 < 0)); then wanted=unlimited; else wanted=$(($3 * factor)); fi
    if _is_beyond "$row" "$wanted"; then return; fi
    _line_of "$row" "$4"
    read -r soft hard _ <<<"$REPLY"
    if [[ $soft != "$wanted" || $hard != "$wanted" ]]; then
        untrue "a login of $1 has $2 $soft (soft) and $hard (hard), wants $wanted for both. Fix: $(_to_mend "$1" "$2")"
    fi
}

# Root of a container may lack CAP_SYS_RESOURCE (bit 24): there no login can get more than this process may have.
_is_beyond() { # ROW WANTED
    local most
    read_file /proc/self/status
    most=$'\n'$REPLY
    most=${most#*$'\nCapEff:'}
    most=${most%%$'\n'*}
    if ((0x${most//[[:blank:]]/} >> 24 & 1)); then return 1; fi
    read_file /proc/self/limits
    _line_of "$1" "$REPLY"
    read -r _ most _ <<<"$REPLY"
    [[ $most != unlimited ]] && { [[ $2 == unlimited ]] || (($2 > most)); }
}

# → REPLY: what a text as /proc/self/limits says of the limit ROW
_line_of() { # ROW TEXT
    REPLY=
    if [[ $'\n'$2 == *$'\n'"Max $1 "* ]]; then
        REPLY=${2#*"Max $1 "}
        REPLY=${REPLY%%$'\n'*}
    fi
}

_to_mend() { # USER LIMIT
    local line
    line=$(_winner "$1" "$2")
    if [[ -n $line ]]; then
        printf 'take "%s" out of %s\n' "${line#*=}" "${line%%=*}"
    else
        printf 'see what else sets it: grep -rn %s /etc/security /etc/pam.d /etc/profile.d\n' "$2"
    fi
}

# `FILE=LINE`, the last line of others that wins over ours. pam_limits reads limits.conf, then limits.d by name.
_winner() { # USER LIMIT
    local file late
    for file in /etc/security/limits.conf /etc/security/limits.d/*.conf; do
        if [[ ! -f $file || ${file##*/} == 90-gpu-metal.conf ]]; then continue; fi
        late=no
        if [[ $file == */limits.d/* && ${file##*/} > 90-gpu-metal.conf ]]; then late=yes; fi
        awk -v limit="$2" -v late="$late" -v user="$1" -v file="$file" '
            /^[ \t]*#/ || $3 != limit { next }
            late == "yes" || ($1 != "*" && user != "root") { $1 = $1; print file "=" $0 }' "$file"
    done | tail -n 1
}

_limits() {
    local line
    while IFS= read -r line; do
        if [[ $line != login=* ]]; then printf '%s\n' "$line"; fi
    done < <(inputs)
}

_wanted() {
    printf '# gpu-metal\n'
    _limits | while IFS='=' read -r limit value; do
        printf '%s - %s %s\n' '*' "$limit" "$value" root "$limit" "$value"
    done
}
