# Containers find the images that the gateway makes.
# rows: F2
# inputs: path system role user gateway
#
# role: `gateway` writes a mark there, with its system and URL; `shared` must see that mark; `own` has a local folder that
# somebody else fills.

check() {
    case $(input role) in
        gateway) if ! _text | same_file "$(_mark)"; then untrue "$(input path) has not the mark of $(input system)"; fi ;;
        shared)
            if [[ -s $(_mark) ]] && ! _text | same_file "$(_mark)"; then
                untrue "has other images in $(input path): '$(head -c 200 "$(_mark)" | paste -sd ' ')', wants '$(_text)'." \
                    "Fix: mount the filesystem that $(input gateway) has there, or give this site an images.path of its own"
            elif [[ ! -s $(_mark) ]]; then
                untrue "has not the gateway's images in $(input path). Fix: mount the filesystem that all hosts share" \
                    "there (on every start), or write images.shared: false"
            fi
            ;;
        own) if [[ ! -d $(input path) ]]; then untrue "has no folder $(input path) for images"; fi ;;
    esac
}

apply() {
    case $(input role) in
        gateway) _text | _as_owner tee "$(_mark)" ;;
        own)
            if [[ ! -d $(input path) ]]; then
                keep "$(input path)"
                (umask 022 && mkdir -p "$(input path)")
            fi
            ;;
    esac
}

undo() {
    case $(input role) in
        gateway) if id "$(input user)" >/dev/null 2>&1; then _as_owner rm -f "$(_mark)"; else rm -f "$(_mark)"; fi ;;
        own) restore "$(input path)" ;;
    esac
}

# Runs a command as the owner of the images: on a network filesystem root is often mapped to nobody.
_as_owner() {
    (umask 022 && setpriv --reuid "$(input user)" --regid "$(id -g "$(input user)")" --init-groups "$@")
}

_mark() { printf '%s/.gpu-metal' "$(input path)"; }

_text() { printf 'Images of %s, by the gateway %s.\n' "$(input system)" "$(input gateway)"; }
