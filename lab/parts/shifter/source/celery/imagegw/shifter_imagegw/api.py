"""The API, by Flask, as before 21.03."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, jsonify, request
from shifter_imagegw import config
from shifter_imagegw.imagemngr import ImageMngr, shown

app = Flask(__name__)
mgr = ImageMngr(config.load())


@app.errorhandler(404)
def not_found(error: object = None) -> Response:
    """Upstream's form of it."""
    answer = jsonify(status=404, error=str(error), message=f"Not Found: {request.url}")
    answer.status_code = 404
    return answer


@app.route("/")
def apihelp() -> str:
    """What there is."""
    return "{lookup,pull,expire,list}"


def _answer(give: Callable[[], Any]) -> Response:
    try:
        return jsonify(give())
    except (OSError, LookupError) as error:
        app.logger.warning("%s: %s", request.url, error)
        return not_found(error)


def _who(system: str) -> dict[str, Any]:
    return mgr.new_session(request.headers.get("authentication"), system)


def _tag(kind: str, tag: str) -> str:
    return f"{tag}:latest" if kind == "docker" and ":" not in tag else tag


def _found(record: dict[str, Any] | None) -> dict[str, Any]:
    if record is None:
        raise LookupError("image not found")
    return record


@app.route("/api/list/<system>/", methods=["GET"])
def imglist(system: str) -> Response:
    """Images that are ready."""
    return _answer(lambda: {"list": [shown(record) for record in mgr.imglist(_who(system))]})


@app.route("/api/lookup/<system>/<kind>/<path:tag>/", methods=["GET"])
def lookup(system: str, kind: str, tag: str) -> Response:
    """One image."""
    return _answer(lambda: shown(_found(mgr.lookup(_who(system), kind, _tag(kind, tag)))))


@app.route("/api/pull/<system>/<kind>/<path:tag>/", methods=["POST"])
def pull(system: str, kind: str, tag: str) -> Response:
    """Begins or reports a pull."""
    return _answer(lambda: shown(mgr.pull(_who(system), kind, _tag(kind, tag))))


@app.route("/api/expire/<system>/<kind>/<path:tag>/", methods=["GET"])
def expire(system: str, kind: str, tag: str) -> Response:
    """Takes one away."""
    return _answer(lambda: {"status": mgr.expire(_who(system), kind, _tag(kind, tag))})


@app.route("/api/autoexpire/<system>/", methods=["GET"])
def autoexpire(system: str) -> Response:
    """Takes the old ones away."""
    return _answer(lambda: {"status": mgr.autoexpire(_who(system))})


@app.route("/api/queue/<system>/", methods=["GET"])
def queue(system: str) -> Response:
    """Pulls under way."""
    return _answer(lambda: {"list": mgr.queue(system)})


def main() -> None:
    """Flask's own server."""
    app.run(host="0.0.0.0", port=5000)


if __name__ == "__main__":
    main()
