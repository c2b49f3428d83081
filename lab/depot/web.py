"""Serves one folder over HTTP, in a process of its own: `web.py ADDRESS PORT FOLDER`."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    """HTTP/1.1: apt asks for many files over one connection."""

    protocol_version = "HTTP/1.1"


if __name__ == "__main__":
    address, port, folder = sys.argv[1:]
    ThreadingHTTPServer((address, int(port)), partial(Handler, directory=folder)).serve_forever()
