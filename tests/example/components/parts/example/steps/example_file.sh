# The file of the example names its image.
# rows: X14
# inputs: image

check() {
    if ! input image | same_file /etc/example.conf; then untrue "/etc/example.conf does not name the site's image"; fi
}

apply() {
    keep /etc/example.conf
    input image | write_file /etc/example.conf 0644
}

undo() {
    restore /etc/example.conf
}
