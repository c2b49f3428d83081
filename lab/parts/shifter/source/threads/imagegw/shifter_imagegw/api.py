"""The API, by Sanic, as since 21.03."""

import os
from typing import Any

from sanic import HTTPResponse, Request, Sanic, response
from sanic.exceptions import NotFound
from sanic.log import logger
from shifter_imagegw import config
from shifter_imagegw.imagemngr import ImageMngr, shown

app = Sanic("shifter", strict_slashes=True)
settings = config.load()
logger.setLevel(settings["LogLevel"].upper())
mgr = ImageMngr(settings)


@app.exception(NotFound)
def not_found(request: Request, error: object = None) -> HTTPResponse:
    """Upstream's form of it."""
    return response.json({"status": 404, "error": str(error), "message": f"Not Found: {request.url}"}, status=404)


@app.route("/")
def apihelp(_: Request) -> HTTPResponse:
    """What there is."""
    return response.text("{lookup,pull,expire,list}")


def _who(request: Request, system: str) -> dict[str, Any]:
    return mgr.new_session(request.headers.get("authentication"), system)


def _tag(kind: str, tag: str) -> str:
    tag = tag.replace("%3A", ":")
    return f"{tag}:latest" if kind == "docker" and ":" not in tag else tag


@app.route("/api/list/<system>/", methods=["GET"])
def imglist(request: Request, system: str) -> HTTPResponse:
    """Images that are ready. Any failure of the session or the database gives the same answer, as upstream."""
    try:
        return response.json({"list": [shown(record) for record in mgr.imglist(_who(request, system))]})
    except OSError as error:
        logger.warning("list of %s: %s", system, error)
        return not_found(request, "Bad session or system")


@app.route("/api/lookup/<system>/<kind>/<tag:path>/", methods=["GET"])
def lookup(request: Request, system: str, kind: str, tag: str) -> HTTPResponse:
    """One image. A bad credential or system gives 500, as upstream."""
    record = mgr.lookup(_who(request, system), kind, _tag(kind, tag))
    return response.json(shown(record)) if record else not_found(request, "image not found")


@app.route("/api/pull/<system>/<kind>/<tag:path>/", methods=["POST"])
def pull(request: Request, system: str, kind: str, tag: str) -> HTTPResponse:
    """Begins or reports a pull."""
    return response.json(shown(mgr.pull(_who(request, system), kind, _tag(kind, tag))))


@app.route("/api/expire/<system>/<kind>/<tag:path>/", methods=["GET"])
def expire(request: Request, system: str, kind: str, tag: str) -> HTTPResponse:
    """Takes one away."""
    try:
        return response.json({"status": mgr.expire(_who(request, system), kind, _tag(kind, tag))})
    except OSError:
        return not_found(request)


@app.route("/api/autoexpire/<system>/", methods=["GET"])
def autoexpire(request: Request, system: str) -> HTTPResponse:
    """Takes the old ones away."""
    try:
        return response.json({"status": mgr.autoexpire(_who(request, system))})
    except OSError:
        return not_found(request)


@app.route("/api/queue/<system>/", methods=["GET"])
def queue(_: Request, system: str) -> HTTPResponse:
    """Pulls under way."""
    return response.json({"list": mgr.queue(system)})


def main() -> None:
    """On the port that upstream has written in."""
    app.run(host="0.0.0.0", port=8000, workers=int(os.environ.get("WORKERS", "1")))


if __name__ == "__main__":
    main()
