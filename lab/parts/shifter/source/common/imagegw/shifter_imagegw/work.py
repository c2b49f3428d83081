"""One pull from its record in the database to the file on the system."""

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection
from shifter_imagegw.converters import convert, metadata, transfer
from shifter_imagegw.dockerv2 import Registry


def images(config: dict[str, Any]) -> Collection[dict[str, Any]]:
    """The collection."""
    return MongoClient(config["MongoDBURI"])[config["MongoDB"]].images


def expiration(config: dict[str, Any]) -> float:
    """When an image that is used now goes."""
    days, hours, minutes, seconds = (int(part) for part in config["ImageExpirationTimeout"].split(":"))
    return time.time() + seconds + 60 * (minutes + 60 * (hours + 24 * days))


def pull(config: dict[str, Any], key: str) -> None:
    """Does it, and writes each state into the record."""
    records = images(config)

    def say(status: str, **more: object) -> None:
        records.update_one({"_id": key}, {"$set": {"status": status, "last_heartbeat": time.time(), **more}})

    record = records.find_one({"_id": key})
    try:
        identity, settings = _pull(config, record, say)
    except Exception as error:
        logging.getLogger("shifter").exception("pull of %s failed", record["pulltag"])
        say("FAILURE", status_message=str(error)[:500], last_pull=time.time())
        return
    records.delete_many({"_id": {"$ne": key}, "system": record["system"], "pulltag": record["pulltag"]})
    say(
        "READY",
        id=identity,
        tag=[record["pulltag"]],
        last_pull=time.time(),
        expiration=expiration(config),
        ENV=settings.get("Env") or [],
        ENTRY=settings.get("Entrypoint") or "",
        WORKDIR=settings.get("WorkingDir") or "",
        status_message="Image ready",
    )


def _pull(config: dict[str, Any], record: dict[str, Any], say: Callable[[str], None]) -> tuple[str, dict[str, Any]]:
    locations = config["Locations"]
    location, _, rest = record["pulltag"].partition("/")
    if location not in locations:
        location, rest = config["DefaultImageLocation"], record["pulltag"]
    if location not in locations:
        raise KeyError(f"{location} not found in configuration")
    repository, _, tag = rest.rpartition(":")
    expand = Path(config["ExpandDirectory"])
    say("PULLING")
    identity, settings = Registry(location, locations[location]).pull(
        repository, tag, Path(config["CacheDirectory"]), expand
    )
    say("EXAMINATION")
    say("CONVERSION")
    kind = config["DefaultImageFormat"]
    file = convert(expand / identity, kind)
    say("TRANSFER")
    folder = Path(config["Platforms"][record["system"]]["local"]["imageDir"])
    transfer(file, metadata(settings, kind), folder)
    shutil.rmtree(expand / identity)
    file.unlink()
    return identity, settings


def remove(config: dict[str, Any], record: dict[str, Any]) -> None:
    """Takes an image off its system."""
    folder = Path(config["Platforms"][record["system"]]["local"]["imageDir"])
    for suffix in (".squashfs", ".meta"):
        (folder / f"{record['id']}{suffix}").unlink(missing_ok=True)
    images(config).update_one({"_id": record["_id"]}, {"$set": {"status": "EXPIRED"}})
