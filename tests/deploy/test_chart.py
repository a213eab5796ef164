"""What the rendered chart says, and whether Kubernetes and the server take it."""

import subprocess
from pathlib import Path

import pytest
import yaml

from flightlake.config import load
from tests.components import Unavailable, deploy_tools, require
from tests.fix_chart import CASES, CHART, KUBERNETES, MINIMAL, Chart


def case(name: str) -> Path:
    return CHART / "ci" / f"{name}-values.yaml"


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_helm_lint_finds_nothing(chart: Chart, values: Path) -> None:
    said = chart.run("lint", "--strict", str(CHART), "--values", str(values))
    assert "1 chart(s) linted, 0 chart(s) failed" in said


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_every_object_holds_to_the_strict_schemas_of_kubernetes(
    chart: Chart, values: Path, kubernetes: str, tmp_path: Path
) -> None:
    try:
        validate = deploy_tools.python_tool("kubernetes-validate")
    except Unavailable as error:
        require("kubernetes-validate", str(error))
    rendered = tmp_path / "rendered.yaml"
    rendered.write_text(chart.file(values, kubernetes).text)
    done = subprocess.run(
        [str(validate), "--strict", "-k", kubernetes, str(rendered)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_check_would_find_a_misspelt_field(chart: Chart, tmp_path: Path) -> None:
    try:
        validate = deploy_tools.python_tool("kubernetes-validate")
    except Unavailable as error:
        require("kubernetes-validate", str(error))
    broken = tmp_path / "broken.yaml"
    broken.write_text(chart.values(MINIMAL).text.replace("containerPort:", "containerPorts:"))
    done = subprocess.run(
        [str(validate), "--strict", "-k", "1.31", str(broken)], capture_output=True, check=False
    )
    assert done.returncode != 0


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_the_pod_is_held_to_the_restricted_security_standard(chart: Chart, values: Path) -> None:
    rendered = chart.file(values)
    assert rendered.pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert rendered.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert rendered.pod["automountServiceAccountToken"] is False
    assert rendered.pod["enableServiceLinks"] is False


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_what_can_be_written_to_has_a_size_limit(chart: Chart, values: Path) -> None:
    writable = {
        path: volume["emptyDir"]
        for path, volume in chart.file(values).mounts().items()
        if "emptyDir" in volume
    }
    assert set(writable) == {"/tmp", "/var/lib/flightlake"}  # noqa: S108 (in the pod)
    assert all(volume["sizeLimit"] for volume in writable.values())


def test_probes_ask_the_management_port(chart: Chart) -> None:
    container = chart.values(MINIMAL, {"management": {"port": 9000}}).container
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"flight": 31337, "management": 9000}
    for probe, path in {"startup": "startupz", "liveness": "livez", "readiness": "readyz"}.items():
        assert container[f"{probe}Probe"]["httpGet"] == {"path": f"/{path}", "port": "management"}


def test_the_flight_service_says_grpc_and_management_stays_inside(chart: Chart) -> None:
    rendered = chart.values(MINIMAL, {"service": {"type": "LoadBalancer", "port": 443}})
    (flight,) = rendered.one("Service")["spec"]["ports"]
    assert (flight["port"], flight["targetPort"], flight["appProtocol"]) == (443, "flight", "grpc")
    assert rendered.one("Service", "-management")["spec"]["type"] == "ClusterIP"


def test_services_and_deployment_select_the_same_pods(chart: Chart) -> None:
    rendered = chart.file(case("full"))
    deployment = rendered.one("Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    for selector in (
        deployment["selector"]["matchLabels"],
        rendered.one("Service")["spec"]["selector"],
        rendered.one("Service", "-management")["spec"]["selector"],
    ):
        assert selector.items() <= labels.items()
        assert "helm.sh/chart" not in selector  # an upgrade must not change it


def test_a_changed_configuration_makes_new_pods(chart: Chart) -> None:
    def checksum(level: str) -> str:
        rendered = chart.values(MINIMAL, {"config": {"logging": {"level": level}}})
        annotations = rendered.one("Deployment")["spec"]["template"]["metadata"]["annotations"]
        return str(annotations["checksum/config"])

    assert checksum("INFO") != checksum("DEBUG")
    assert checksum("INFO") == checksum("INFO")


def test_no_secret_stands_in_the_objects_and_all_are_mounted_read_only(chart: Chart) -> None:
    rendered = chart.file(case("several-replicas"))
    secrets = {
        path: volume["secret"] for path, volume in rendered.mounts().items() if "secret" in volume
    }
    assert {path: secret["secretName"] for path, secret in secrets.items()} == {
        "/etc/flightlake/users": "flightlake-users",
        "/etc/flightlake/tls": "flightlake-tls",
        "/var/lib/flightlake/keys": "flightlake-signing-keys",
    }
    assert all(secret["defaultMode"] == 0o440 for secret in secrets.values())
    assert secrets["/etc/flightlake/users"]["items"] == [
        {"key": "team-a.toml", "path": "users.toml"}
    ]
    for mount in rendered.container["volumeMounts"]:
        assert mount.get("readOnly") or mount["name"] in {"state", "temporary"}
    assert not [o for o in rendered.objects if o["kind"] == "Secret"]


def test_secret_files_are_mounted_where_the_configuration_finds_them(chart: Chart) -> None:
    rendered = chart.file(case("full"))
    properties = rendered.configuration["catalogs"]["lake"]["property_files"]
    folder = Path(properties["s3.secret-access-key"]).parent
    assert rendered.mounts()[str(folder)]["secret"]["secretName"] == "lake-s3"


def test_an_image_is_named_by_its_digest_or_else_its_tag(chart: Chart) -> None:
    digest = "sha256:" + "0123456789abcdef" * 4
    assert (
        chart.file(case("full")).container["image"]
        == f"registry.example:5000/data/flightlake@{digest}"
    )
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert chart.values(MINIMAL).container["image"] == f"flightlake:{version}"


@pytest.mark.parametrize(
    ("drain", "given", "grace"),
    [
        ("30s", None, 45),
        ("5m", None, 315),
        ("250ms", None, 16),
        ("5m", 400, 400),
        ("1h", None, 3615),
    ],
)
def test_a_pod_is_given_longer_than_it_drains(
    chart: Chart, drain: str, given: int | None, grace: int
) -> None:
    rendered = chart.values(
        MINIMAL,
        {"config": {"server": {"drain_timeout": drain}}, "terminationGracePeriodSeconds": given},
    )
    assert rendered.pod["terminationGracePeriodSeconds"] == grace


def test_the_insecure_server_listens_inside_its_pod_only(chart: Chart) -> None:
    configuration = chart.file(case("insecure")).configuration
    assert configuration["auth"]["anonymous"] is True
    assert configuration["server"]["host"] == "127.0.0.1"
    assert configuration["management"]["host"] == "0.0.0.0"  # noqa: S104 (the kubelet's probes)


def test_numbers_and_odd_names_reach_the_configuration_as_they_are(chart: Chart) -> None:
    odd = {'a "b".c': 'back\\slash "q"\n<&', "flag": True, "ratio": 0.5, "port": 9000}
    rendered = chart.values(
        MINIMAL,
        {
            "config": {
                "limits": {"statement_bytes": 20_000_000},
                "catalogs": {"a-b": {"type": "sql", "properties": odd}},
            }
        },
    )
    assert rendered.configuration["limits"]["statement_bytes"] == 20_000_000
    assert rendered.configuration["catalogs"]["a-b"]["properties"] == odd


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_the_server_accepts_the_rendered_configuration(
    chart: Chart, values: Path, tmp_path: Path
) -> None:
    rendered = chart.file(values)
    file = tmp_path / "flightlake.toml"
    file.write_text(rendered.one("ConfigMap")["data"]["flightlake.toml"])
    settings = load(file, {}, to_serve=False)
    grace = rendered.pod["terminationGracePeriodSeconds"]
    assert settings.server.drain_timeout.total_seconds() < grace
    assert settings.state.directory == Path("/var/lib/flightlake")
