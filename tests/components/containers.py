"""The image of our Dockerfile, built by buildah on a Debian base and run by podman.

No registry is asked: the base is made by mmdebstrap from Debian's packages and kept in
``.cache``.  All of it needs root.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.components import CACHE, ROOT, Unavailable

IMAGE = "localhost/flightlake:test"
_BASE = "localhost/flightlake-base:bookworm"
_NEEDED = ("buildah", "podman", "runc", "mmdebstrap")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_STORAGE = CACHE / "containers"


def build() -> str:
    """Build the image and return its name; about a minute, the first time two.

    Raises:
        Unavailable: Not root, or a program is missing, or the base cannot be made.
        AssertionError: The Dockerfile does not build.
    """
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        raise Unavailable(f"{', '.join(missing)} not installed")
    if os.geteuid() != 0:
        raise Unavailable("building needs root")
    if not _exists(_BASE):
        _make_base()
    trust = f"{_CERTIFICATES}:{_CERTIFICATES}:ro"
    done = _call(
        [*_storage("buildah"), "bud", "--quiet", "--format", "docker", "--isolation", "chroot",
         "--network", "host", "--build-arg", f"BASE_IMAGE={_BASE}",
         *(["--volume", trust] if _CERTIFICATES.exists() else []),
         "--tag", IMAGE, str(ROOT)]
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    _call([*_storage("buildah"), "rmi", "--prune"])  # what earlier builds left
    return IMAGE


def run_command(*arguments: str, volumes: Sequence[str] = (), network: str = "none") -> list[str]:
    """Return the command that runs the image the way the chart does: *arguments* follow its name.

    Read-only root, no capabilities, no new privileges, a memory limit; the state is on the
    volume that the image declares.
    """
    return [
        *_storage("podman"), "--cgroup-manager", "cgroupfs", "--events-backend", "none",
        "--runtime", str(shutil.which("runc")), "run", "--rm", "--no-healthcheck",
        "--ulimit", "nofile=16384:16384", "--ulimit", "nproc=8192:8192", "--network", network,
        "--read-only", "--tmpfs", "/tmp",  # noqa: S108 (in the container)
        "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "1g",
        *(part for volume in volumes for part in ("--volume", volume)),
        *arguments,
    ]  # fmt: skip


def _make_base() -> None:
    archive = CACHE / "base-bookworm.tar"
    packages = "--include=python3,python3-venv,ca-certificates"
    if not archive.exists():
        fresh = archive.with_suffix(".new.tar")
        _must(["mmdebstrap", "--quiet", "--variant=minbase", packages, "bookworm", str(fresh)])
        fresh.replace(archive)
    container = _must([*_storage("buildah"), "from", "scratch"]).strip()
    _must([*_storage("buildah"), "add", "--quiet", container, str(archive), "/"])
    _must([*_storage("buildah"), "commit", "--quiet", "--rm", container, _BASE])


def _exists(image: str) -> bool:
    return _call([*_storage("podman"), "image", "exists", image]).returncode == 0


def _storage(program: str) -> list[str]:
    """Our own storage: the machine's images are not touched, and ours go with ``.cache``."""
    places = ["--root", str(_STORAGE / "root"), "--runroot", str(_STORAGE / "run")]
    return [program, "--storage-driver", "vfs", *places]


def _must(command: list[str]) -> str:
    done = _call(command)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise Unavailable(f"{command[0]}: {lines[-1] if lines else 'failed'}")
    return done.stdout


def _call(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} took longer than 15 minutes") from None
