"""Settings over the REST API."""

from urllib.parse import urlsplit

from lab.kube import Body
from lab.parts.rancher.standin.builtin import READ_ONLY
from lab.parts.rancher.standin.kinds import RANCHER
from lab.parts.rancher.standin.norman import Answer, Call, RefusedError, collection, resource

_SETTINGS = f"{RANCHER}/settings"


def _shown(setting: Body) -> Body:
    default = setting.get("default", "")
    fields = {"name": setting["metadata"]["name"], "value": setting.get("value") or default, "default": default}
    return resource("setting", setting, **fields, customized=bool(setting.get("value")), source="db")


def listed(call: Call) -> Answer:
    """All of them."""
    return collection("setting", [_shown(each) for each in call.kube.items(_SETTINGS)], call.query)


def one(call: Call) -> Answer:
    """One of them."""
    return 200, _shown(_found(call))


def edit(call: Call) -> Answer:
    """Another value."""
    call.administrator()
    _found(call)
    if call.name in READ_ONLY:
        raise RefusedError("MethodNotAllow", f"{call.name} is readOnly")
    value = call.body.get("value")
    if not isinstance(value, str):
        raise RefusedError("MissingRequired", "", "value")
    if call.name == "server-url" and value and urlsplit(value).scheme != "https":
        raise RefusedError("InvalidFormat", f"server-url {value!r} is not an https URL", "value")
    changed = {"value": value, "customized": bool(value)}
    return 200, _shown(call.kube.ask("PATCH", f"{_SETTINGS}/{call.name}", changed))


def _found(call: Call) -> Body:
    setting = call.kube.get(f"{_SETTINGS}/{call.name}")
    if setting is None:
        raise RefusedError("NotFound", f'settings.management.cattle.io "{call.name}" not found')
    return setting
