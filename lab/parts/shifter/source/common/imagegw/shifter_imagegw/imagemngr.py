"""What the API does: sessions, records of images, pulls."""

import time
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import pymongo.errors
from shifter_imagegw import imageworker, munge, work

Record = dict[str, Any]
Answer = TypeVar("Answer")


class ImageMngr:
    """Over the database; work goes to imageworker."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._images = work.images(config)

    def new_session(self, credential: str | None, system: str) -> Record:
        """Who asks; nobody in particular without a credential. Raises OSError."""
        platform = self._config["Platforms"].get(system)
        if platform is None:
            raise OSError("Invalid System")
        if credential is None:
            return {"system": system}
        who = munge.unmunge(credential, platform.get("mungeSocketPath", munge.SOCKET))
        return {"system": system, **who}

    def imglist(self, session: Record) -> list[Record]:
        """The images of a system that are ready."""
        query = {"status": "READY", "system": session["system"]}
        return _again(lambda: list(self._images.find(query)))

    def lookup(self, session: Record, kind: str, tag: str) -> Record | None:
        """One that is ready; using it puts off its end."""
        query = {"status": "READY", "system": session["system"], "itype": kind, "tag": {"$in": [tag]}}
        record: Record | None = _again(lambda: self._images.find_one(query))
        if record:
            later = {"$set": {"expiration": work.expiration(self._config)}}
            self._images.update_one({"_id": record["_id"]}, later)
        return record

    def pull(self, session: Record, kind: str, tag: str) -> Record:
        """The record of the pull, begun when none is under way or the last was long ago."""
        if "user" not in session:
            raise OSError("Invalid Session")
        found = {"system": session["system"], "itype": kind, "pulltag": tag}
        records = _again(lambda: list(self._images.find(found).sort("began", -1).limit(1)))
        if records and not self._due(records[0]):
            last: Record = records[0]
            return last
        fresh = {**found, "_id": uuid.uuid4().hex, "began": time.time(), "status": "INIT"}
        self._images.insert_one(fresh)
        imageworker.submit(self._config, fresh["_id"], session["system"])
        return fresh

    def _due(self, record: Record) -> bool:
        if record["status"] == "EXPIRED":
            return True
        done = record["status"] in ("READY", "FAILURE")
        since = record.get("last_pull" if done else "last_heartbeat") or record["began"]
        return bool(time.time() > since + (int(self._config["PullUpdateTimeout"]) if done else 3600))

    def queue(self, system: str) -> list[Record]:
        """Pulls that are not ready. As upstream, it does not ask whether there is such a system."""
        query = {"status": {"$ne": "READY"}, "system": system}
        records = _again(lambda: list(self._images.find(query)))
        return [{"status": record["status"], "image": record["pulltag"]} for record in records]

    def expire(self, session: Record, kind: str, tag: str) -> bool:
        """Takes an image away; for admins."""
        self._admin(session)
        record = self.lookup(session, kind, tag)
        if record:
            work.remove(self._config, record)
        return record is not None

    def autoexpire(self, session: Record) -> list[str]:
        """Takes away what nobody has used for long; for admins."""
        self._admin(session)
        old = [record for record in self.imglist(session) if record["expiration"] < time.time()]
        for record in old:
            work.remove(self._config, record)
        return [record["id"] for record in old]

    def _admin(self, session: Record) -> None:
        if session.get("user") not in self._config["Platforms"][session["system"]].get("admins", []):
            raise OSError("Not an admin")


def shown(record: Record) -> Record:
    """A record as the API gives it."""
    fields = ("id", "system", "itype", "tag", "status", "userACL", "groupACL", "ENV", "ENTRY", "WORKDIR", "last_pull")
    return {field: record.get(field, "MISSING") for field in (*fields, "status_message")}


def _again(ask: Callable[[], Answer]) -> Answer:
    """Twice, as the database may have come back meanwhile."""
    for _ in range(2):
        try:
            return ask()
        except pymongo.errors.AutoReconnect:
            time.sleep(2)
    raise OSError("Reconnect to mongo failed")
