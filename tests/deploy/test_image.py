"""The image, built from the Dockerfile and run as a cluster would run it."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile
from flightlake.cli import sql_target
from flightlake.demo import lakehouse
from tests.components import ROOT, Unavailable, containers, require


@pytest.fixture(scope="module")
def image() -> str:
    try:
        return containers.build()
    except Unavailable as error:
        require("buildah", str(error))


LOOK_AROUND = """
import json, os, shutil
from importlib import metadata
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "tools": [tool for tool in ("pip", "gcc", "git", "curl") if shutil.which(tool)],
    "held": {d.metadata["Name"].lower().replace("_", "-"): d.version
             for d in metadata.distributions()},
}))
"""


@pytest.fixture(scope="module")
def inside(image: str) -> dict[str, Any]:
    """What a program finds in the image; one look, as starting a container takes seconds."""
    done = subprocess.run(
        containers.run_command("--entrypoint", "python", image, "-c", LOOK_AROUND),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_runs_as_nobody_in_particular(inside: dict[str, Any]) -> None:
    assert inside["user"] == [10001, 10001]


def test_it_holds_nothing_to_build_with(inside: dict[str, Any]) -> None:
    assert inside["tools"] == []


def test_it_holds_the_versions_that_are_tested(inside: dict[str, Any]) -> None:
    held = inside["held"]
    del held["flightlake"]
    pinned = {line.split(" ;")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert {f"{name}=={version}" for name, version in held.items()} <= pinned


@pytest.fixture
def mounted() -> Iterator[Path]:
    """A folder that user 10001 may read, with a lakehouse, users and a configuration."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with lakehouse.locked(folder / "lake") as directory:
            built = lakehouse.build(directory, 0.001, lambda what: None)
        UsersFile(folder / "users.toml").add(User("ann", hash_password("s3cret")))
        (folder / "flightlake.toml").write_text(
            f"""
            [server]
            host = "127.0.0.1"
            port = 0
            [management]
            port = 0
            [state]
            directory = "/var/lib/flightlake"
            [auth]
            users_file = "{folder}/users.toml"
            [catalogs.lake]
            type = "sql"
            uri = "{built.uri}"
            warehouse = "{built.warehouse}"
            """
        )
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield folder


def test_it_serves_tables_on_a_read_only_root_and_ends_on_sigterm(
    image: str, mounted: Path
) -> None:
    command = containers.run_command(
        image, "serve", "--config", f"{mounted}/flightlake.toml",
        volumes=[f"{mounted}:{mounted}:ro"], network="host",
    )  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            ready = server.stdout.readline().decode()
            assert ready.startswith("ready grpc+tls://"), server.communicate()[1].decode()
            target = sql_target.Target(ready.split()[1], "ann", "s3cret", insecure=True)
            connection = sql_target.connect(target)
            with connection.cursor() as cursor:
                cursor.execute('select count(*) from lake."bronze.inventory".customers')
                assert cursor.fetchone() == (4,)
            connection.close()
            server.terminate()
            assert server.wait(120) == 0
        finally:
            server.kill()
