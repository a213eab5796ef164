"""The image, built from the Dockerfile and run as a cluster would run it."""

import subprocess
from pathlib import Path

import pytest

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
