# The folder of the example's page is not there, or is the example's already.
# rows: Z1
# uses: example

check() {
    local folder
    folder=$(dirname "$(example_page)")
    if [[ -e $folder && ! -e $(example_unit) ]]; then
        untrue "has a folder $folder that is not ours. Fix: move it away"
    fi
}
