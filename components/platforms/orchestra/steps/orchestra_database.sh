# PostgreSQL has Orchestra's role and its database, which belongs to that role.
# rows: T1
# inputs: port database user
# secrets: password
# uses: orchestra
#
# The server sees the password's verifier only: what it logs shows no password. undo keeps both: they hold users' jobs.

check() {
    local seen
    seen=$(sql_root postgres -v user="$(input user)" 2>&1 <<<"SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = :'user';") ||
        untrue "the database's superuser cannot ask it: $(head -n 1 <<<"$seen"). Fix: journalctl -u $(cluster_unit) -n 20"
    case $seen in
        '') untrue "the database has no role $(input user)" ;;
        $'t\tf') ;;
        *) untrue "the database's role $(input user) may not log in, or may do everything" ;;
    esac
    seen=$(sql_root postgres -v name="$(input database)" <<<"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = :'name';")
    if [[ -z $seen ]]; then untrue "there is no database $(input database)"; fi
    if [[ $seen != "$(input user)" ]]; then
        untrue "the database $(input database) belongs to $seen, wants $(input user) as its owner"
    fi
}

apply() {
    local shape='^[!-~]{12,}$'
    if [[ ! $(secret password) =~ $shape ]]; then
        untrue "the secret of database.passwordSecret is no password for the database: 12 or more printable ASCII characters," \
            "no blanks. Fix: openssl rand -hex 24 | pulumi config set --secret NAME"
    fi
    {
        printf "SET log_statement = 'none';\n\\set verifier '"
        secret password | _verifier
        printf "'\n"
        cat <<'SQL'
SELECT format('CREATE ROLE %I', :'user') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
ALTER ROLE :"user" LOGIN NOSUPERUSER PASSWORD :'verifier';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'user')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
ALTER DATABASE :"name" OWNER TO :"user";
SQL
    } | sql_root postgres -v user="$(input user)" -v name="$(input database)"
}

undo() { printf 'left: the database %s and its role %s\n' "$(input database)" "$(input user)"; }

# SCRAM-SHA-256 as PostgreSQL keeps it (RFC 5803)
_verifier() {
    # shellcheck disable=SC2016  # Python, not Bash
    python3 -c 'import base64, hashlib, hmac, os, sys
password, salt, rounds = sys.stdin.read().rstrip("\n").encode(), os.urandom(16), 4096
salted = hashlib.pbkdf2_hmac("sha256", password, salt, rounds)
sign = lambda text: hmac.new(salted, text, hashlib.sha256).digest()
text = lambda data: base64.b64encode(data).decode()
stored, server = hashlib.sha256(sign(b"Client Key")).digest(), sign(b"Server Key")
print(f"SCRAM-SHA-256${rounds}:{text(salt)}${text(stored)}:{text(server)}", end="")'
}
