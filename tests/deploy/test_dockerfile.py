"""What the Dockerfile says; whether it builds is shown where there is a base image."""

import json
import re
import subprocess

import pytest

from tests.components import ROOT, Unavailable, deploy_tools, require

DOCKERFILE = ROOT / "Dockerfile"


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    pairs = [line.partition(" ") for line in lines if line.strip()]
    return [(name, rest.strip()) for name, _, rest in pairs]


def test_hadolint_finds_nothing() -> None:
    try:
        hadolint = deploy_tools.python_tool("hadolint")
    except Unavailable as error:
        require("hadolint", str(error))
    done = subprocess.run(
        [str(hadolint), str(DOCKERFILE)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_base_image_can_be_given(instructions: list[tuple[str, str]]) -> None:
    assert instructions[0][0] == "ARG"
    assert instructions[0][1].startswith("BASE_IMAGE=")
    bases = [rest for name, rest in instructions if name == "FROM"]
    assert bases == ["${BASE_IMAGE} AS build", "${BASE_IMAGE}"]


def test_it_runs_without_a_shell_and_without_privileges(
    instructions: list[tuple[str, str]],
) -> None:
    last = dict(instructions)
    assert last["USER"] == "10001:10001"
    assert json.loads(last["ENTRYPOINT"]) == ["flightlake"]
    assert json.loads(last["CMD"])[0] == "serve"
    assert "/livez" in last["HEALTHCHECK"]


def test_everything_is_installed_in_the_versions_that_are_tested(
    instructions: list[tuple[str, str]],
) -> None:
    installs = [
        command
        for name, rest in instructions
        if name == "RUN"
        for command in rest.split("&&")
        if "pip install" in command
    ]
    assert installs
    assert all("--constraint constraints.txt" in command for command in installs)


def test_the_build_is_given_only_what_it_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    assert allowed == {"flightlake", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"}
