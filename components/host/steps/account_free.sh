# The account of one of the site's users is free on this host, its group and number too, or an earlier run made it.
# rows: S6 X14
# inputs: name uid home
# uses: host

check() { own_account "$(input name)" "$(input uid)" "$(input home "/home/$(input name)")"; }
