"""imagemanager.json: $GWCONFIG, else in the folder that configure was told."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from shifter_imagegw import CONFIG_PATH

_DEFAULTS = {
    "WorkerThreads": 2,
    "LogLevel": "info",
    "DefaultImageFormat": "squashfs",
    "PullUpdateTimeout": 300,
    "ImageExpirationTimeout": "90:00:00:00",
    "MongoDB": "Shifter",
}
_REQUIRED = ("MongoDBURI", "Platforms", "Locations", "DefaultImageLocation", "CacheDirectory", "ExpandDirectory")


def load() -> dict[str, Any]:
    """The settings; ends the program with one line when they are none."""
    path = Path(os.environ.get("GWCONFIG") or f"{CONFIG_PATH}/imagemanager.json")
    try:
        settings = {**_DEFAULTS, **json.loads(path.read_text())}
        for key in _REQUIRED:
            if key not in settings:
                sys.exit(f"{path}: {key} not defined")
        for name, platform in settings["Platforms"].items():
            if platform["accesstype"] != "local":
                sys.exit(f"{path}: {name}: the stand-in knows only accesstype local")
            if not Path(platform["local"]["imageDir"]).is_dir():
                sys.exit(f"{path}: {name}: {platform['local']['imageDir']} is no folder")
        for key in ("CacheDirectory", "ExpandDirectory"):
            Path(settings[key]).mkdir(exist_ok=True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        sys.exit(f"{path}: {type(error).__name__}: {error}")
    return settings
