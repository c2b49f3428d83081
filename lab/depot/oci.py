"""Container images from files, as OCI layouts: the same files give the same digests."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_EPOCH = "1970-01-01T00:00:00Z"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Files = Mapping[str, Path | str]
"""Path in the image → a file of this machine, or (str) the target of a symbolic link."""


def layout(folder: Path, tag: str, files: Files, entrypoint: list[str], arch: str) -> None:
    """Writes an OCI layout with one image of one layer."""
    folder.mkdir()
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    tar = _layer(files)
    layer = _blob(folder, gzip.compress(tar, compresslevel=1, mtime=0))
    config: dict[str, Any] = {
        "created": _EPOCH,
        "architecture": arch,
        "os": "linux",
        "config": {"Env": [_PATH], "Entrypoint": entrypoint},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"]},
        "history": [{"created": _EPOCH, "created_by": "gpu-metal lab"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **_json(folder, config)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **layer}],
    }
    entry = {
        "mediaType": manifest["mediaType"],
        **_json(folder, manifest),
        "annotations": {"org.opencontainers.image.ref.name": tag},
    }
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def _layer(files: Files) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        folders = {str(parent) for path in files for parent in Path(path).parents} - {"."}
        for folder in sorted(folders | {"tmp"}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        for path, source in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            if isinstance(source, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, source
                tar.addfile(entry)
            else:
                status = source.stat()
                entry.mode, entry.size = 0o755 if status.st_mode & 0o100 else 0o644, status.st_size
                with source.open("rb") as content:
                    tar.addfile(entry, content)
    return out.getvalue()


def _json(folder: Path, value: Mapping[str, Any]) -> dict[str, Any]:
    return _blob(folder, json.dumps(value, sort_keys=True).encode())


def _blob(folder: Path, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / digest).write_bytes(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}
