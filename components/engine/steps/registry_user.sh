# The registry's one user can log in, and root on its host has that login for its own pushes.
# rows: C3
# inputs: user
# secrets: password

check() {
    local folder=/etc/gpu-metal-registry modes
    if [[ $(sed 's/:[$]2y[$].*/:bcrypt/' $folder/htpasswd 2>&1) != "$(input user):bcrypt" ]]; then
        untrue "$folder/htpasswd does not hold exactly the user $(input user)"
    fi
    if [[ $(sed 's/"auth": "[A-Za-z0-9+\/=]*"/"auth": •/' $folder/auth.json 2>&1) != "$(_login •)" ]]; then
        untrue "$folder/auth.json is not the login of $(input user) for $(_address)"
    fi
    modes=$(stat -c %a:%U:%G $folder/htpasswd $folder/auth.json | paste -sd ' ')
    if [[ $modes != "640:root:gpu-metal-registry 600:root:root" ]]; then
        untrue "$folder/htpasswd or $folder/auth.json can be read by others"
    fi
}

apply() {
    local folder=/etc/gpu-metal-registry
    secret password | htpasswd -inBC 10 "$(input user)" | sed '/^$/d' |
        write_file $folder/htpasswd 0640 root:gpu-metal-registry
    _login "\"$(printf '%s:%s' "$(input user)" "$(secret password)" | base64 -w 0)\"" |
        write_file $folder/auth.json 0600 root:root
}

undo() {
    rm -f /etc/gpu-metal-registry/htpasswd /etc/gpu-metal-registry/auth.json
}

_address() {
    cat /etc/gpu-metal-registry/address 2>/dev/null || true
}

# As docker login writes it; one line, so that check can see all but the password.
_login() {
    printf '{"auths": {"%s": {"auth": %s}}}\n' "$(_address)" "$1"
}
