"""Pulls by Celery's workers, one queue for each system, as before 18.03."""

import sys
from typing import Any

from celery import Celery
from shifter_imagegw import config, work

_settings = config.load()
if "Broker" not in _settings:
    sys.exit("imagemanager.json: Broker not defined")
queue = Celery("tasks", backend=_settings["Broker"], broker=_settings["Broker"])
queue.conf.update(accept_content=["json"], task_serializer="json", result_serializer="json")
queue.conf.broker_connection_retry_on_startup = True


@queue.task
def dopull(key: str) -> None:
    """In a worker."""
    work.pull(_settings, key)


def submit(_: dict[str, Any], key: str, system: str) -> None:
    """Begins the pull of a record."""
    dopull.apply_async((key,), queue=system)
