"""The image, built from the Dockerfile and run as a cluster would run it."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flightlake.auth.passwords import hash_password
from flightlake.auth.users import User, UsersFile
from flightlake.cli import sql_target
from flightlake.demo import lakehouse
from tests.components import Unavailable, containers, require


@pytest.fixture(scope="module")
def image() -> str:
    try:
        return containers.build()
    except Unavailable as error:
        require("buildah", str(error))


def inside(image: str, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        containers.run_command("--entrypoint", "python", image, "-c", program),
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_as_nobody_in_particular(image: str) -> None:
    done = inside(image, "import os; print(os.getuid(), os.getgid())")
    assert done.stdout.split() == ["10001", "10001"], done.stderr


def test_it_holds_nothing_to_build_with(image: str) -> None:
    done = inside(image, "import shutil; print(shutil.which('pip'), shutil.which('gcc'))")
    assert done.stdout.split() == ["None", "None"], done.stderr


def test_it_holds_the_versions_that_are_tested(image: str) -> None:
    done = inside(
        image,
        "from importlib import metadata\n"
        "for d in metadata.distributions(): print(d.metadata['Name'].lower(), d.version)",
    )
    held = dict(line.split() for line in done.stdout.splitlines())
    pinned = dict(
        line.split(" ;")[0].split("==") for line in Path("constraints.txt").read_text().splitlines()
    )
    wrong = {
        name: version
        for name, version in held.items()
        if name != "flightlake" and pinned.get(name.replace("_", "-")) != version
    }
    assert wrong == {}
    assert "flightlake" in held


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
            assert server.wait(60) == 0
        finally:
            server.kill()
