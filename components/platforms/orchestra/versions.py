"""The version of pgAdmin. Next: https://www.pgadmin.org/docs/pgadmin4/latest/release_notes.html"""

PGADMIN = "9.18"
