"""The chart in ``deploy/helm/flightlake``, rendered."""

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.components import ROOT, Unavailable, deploy_tools, require

CHART = ROOT / "deploy" / "helm" / "flightlake"
CASES = sorted((CHART / "ci").glob("*-values.yaml"))
KUBERNETES = ("1.25", "1.31", "1.37")
MINIMAL = {"auth": {"users": {"existingSecret": "users"}}}


class Refused(Exception):
    """helm would not render these values; the message is helm's."""


@dataclass(frozen=True)
class Rendered:
    """The objects of a rendered chart."""

    text: str
    objects: tuple[dict[str, Any], ...]

    def one(self, kind: str, suffix: str = "") -> dict[str, Any]:
        (found,) = (
            candidate
            for candidate in self.objects
            if candidate["kind"] == kind
            and candidate["metadata"]["name"].endswith(suffix)
            and (suffix or not candidate["metadata"]["name"].endswith("-management"))
        )
        return found

    @property
    def pod(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.one("Deployment")["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> dict[str, Any]:
        (container,) = self.pod["containers"]
        found: dict[str, Any] = container
        return found

    @property
    def configuration(self) -> dict[str, Any]:
        return tomllib.loads(self.one("ConfigMap")["data"]["flightlake.toml"])

    def mounts(self) -> dict[str, dict[str, Any]]:
        """Return each mounted volume by the path it is mounted at."""
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        return {
            mount["mountPath"]: volumes[mount["name"]] for mount in self.container["volumeMounts"]
        }


class Chart:
    """Renders the chart with a real helm."""

    def __init__(self, helm: Path, folder: Path) -> None:
        self._helm = helm
        self._folder = folder

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(self._helm), *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Refused(done.stderr + done.stdout)
        return done.stdout

    def file(self, values: Path, kubernetes: str = "1.31") -> Rendered:
        """Render the chart with a file of values."""
        text = self.run(
            "template", "lake", str(CHART), "--namespace", "data",
            "--kube-version", f"{kubernetes}.0", "--values", str(values),
        )  # fmt: skip
        return Rendered(text, tuple(o for o in yaml.safe_load_all(text) if o))

    def values(self, *layers: dict[str, Any]) -> Rendered:
        """Render the chart with *layers* of values, later ones over earlier ones."""
        merged: dict[str, Any] = {}
        for layer in layers:
            merged = _merge(merged, layer)
        path = self._folder / "values.yaml"
        path.write_text(yaml.safe_dump(merged))
        return self.file(path)


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[key] = _merge(below, value) if both else value
    return merged


@pytest.fixture(scope="session")
def helm_program() -> Path:
    try:
        return deploy_tools.helm()
    except Unavailable as error:
        require("helm", str(error))


@pytest.fixture
def chart(helm_program: Path, tmp_path: Path) -> Chart:
    return Chart(helm_program, tmp_path)
