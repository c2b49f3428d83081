"""What objects have in common: annotations, and finalizers, by which a controller cleans up before an object goes."""

from lab.kube import Body, Kube


class DeniedError(Exception):
    """The webhook's refusal of an object."""


def annotations(body: Body) -> dict[str, str]:
    """The object's annotations."""
    found: dict[str, str] = body["metadata"].get("annotations", {})
    return found


def leaving(body: Body) -> bool:
    """Whether somebody deleted it, and finalizers hold it."""
    return "deletionTimestamp" in body["metadata"]


def hold(kube: Kube, path: str, body: Body, finalizer: str) -> Body:
    """The object with the finalizer. Raises KubeError."""
    return body if finalizer in _of(body) else _write(kube, path, body, [*_of(body), finalizer])


def release(kube: Kube, path: str, body: Body, finalizer: str) -> None:
    """Takes the finalizer off. Raises KubeError."""
    if finalizer in _of(body):
        _write(kube, path, body, [each for each in _of(body) if each != finalizer])


def _of(body: Body) -> list[str]:
    found: list[str] = body["metadata"].get("finalizers", [])
    return found


def _write(kube: Kube, path: str, body: Body, finalizers: list[str]) -> Body:
    """Only if nobody changed the object meanwhile: the list is written as a whole."""
    version = body["metadata"]["resourceVersion"]
    return kube.ask("PATCH", path, {"metadata": {"resourceVersion": version, "finalizers": finalizers}})
