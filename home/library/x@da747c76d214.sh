# A file is there
check() { [[ -e /etc/passwd ]] || untrue "no"; }
apply() { :; }
