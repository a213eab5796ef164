"""What values the chart takes, what it refuses, and that each is explained."""

import json
import re
from typing import Any

import pytest
import yaml

from flightlake.config import Settings
from flightlake.config.models import Catalog, TrustedJwt
from tests.fix_chart import CHART, MINIMAL, Chart, Refused

INSECURE: dict[str, Any] = {"auth": {"insecure": True}}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "nobody could sign in"),
        ({"auth": {**MINIMAL["auth"], "insecure": True}}, "lets everybody in"),
        ({**INSECURE, "service": {"type": "NodePort"}}, "auth.insecure is for trials"),
        ({**MINIMAL, "replicas": 2}, "give auth.signingKeys.existingSecret, or set replicas to 1"),
        ({**MINIMAL, "tls": {"mode": "files"}}, "tls.mode files needs tls.existingSecret"),
        ({**MINIMAL, "tls": {"existingSecret": "t"}}, "tls.existingSecret is for tls.mode files"),
        ({**MINIMAL, "tls": {"mode": "off"}}, "without TLS nobody could sign in"),
        ({**MINIMAL, "tls": {"plaintextCredentials": True}}, "is for tls.mode off"),
        (
            {
                **MINIMAL,
                "tls": {"mode": "off", "plaintextCredentials": True},
                "service": {"type": "LoadBalancer"},
            },
            "tls.mode off is for inside the cluster",
        ),
        ({**MINIMAL, "management": {"port": 31337}}, "is the Flight port inside the pod"),
        ({**MINIMAL, "terminationGracePeriodSeconds": 30}, "must be longer than"),
    ],
)  # fmt: skip
def test_values_that_do_not_go_together_are_refused(
    chart: Chart, values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        chart.values(values)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"replica": 2}, "replica"),
        ({"replicas": 0}, "replicas"),
        ({"image": {"tags": "1"}}, "tags"),
        ({"image": {"digest": "md5:1"}}, "digest"),
        ({"auth": {"user": {}}}, "user"),
        ({"tls": {"mode": "on"}}, "tls.mode"),
        ({"config": {"catalog": {}}}, "catalog"),
        ({"config": {"server": {"port": 1}}}, "port"),
        ({"config": {"server": {"drain_timeout": "30 s"}}}, "drain_timeout"),
        ({"config": {"catalogs": {"lake": {"type": "jdbc"}}}}, "type"),
        ({"config": {"catalogs": {"lake": {"uri": "x"}}}}, "type"),
        ({"config": {"auth": {"anonymous": True}}}, "anonymous"),
        ({"config": {"limits": {"memory": "lots"}}}, "memory"),
        ({"config": {"logging": {"level": "LOUD"}}}, "level"),
        ({"probes": {"liveness": {"periodSeconds": 0}}}, "periodSeconds"),
        ({"service": {"type": "ExternalName"}}, "service.type"),
        ({"state": {"sizeLimit": "big"}}, "sizeLimit"),
    ],
)
def test_a_misspelt_or_impossible_value_is_refused_by_name(
    chart: Chart, values: dict[str, Any], named: str
) -> None:
    with pytest.raises(Refused, match=r"values don't meet the specifications") as refusal:
        chart.values(MINIMAL, values)
    assert named in str(refusal.value)


def test_the_schema_knows_what_the_server_knows() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["config"]
    own = {  # what the chart decides itself
        "server": {"host", "port", "reuse_port", "allow_plaintext_credentials", "tls"},
        "auth": {"users_file", "anonymous"},
        "limits": {"spill_directory"},
    }
    for section, known in schema["properties"].items():
        model = Settings.model_fields[section].annotation
        if section == "catalogs":
            known, model = known["additionalProperties"], Catalog
        fields = {field.alias or name for name, field in model.model_fields.items()}
        assert set(known["properties"]) == fields - own.get(section, set())
    jwt = schema["properties"]["auth"]["properties"]["jwt"]["items"]
    assert set(jwt["properties"]) == set(TrustedJwt.model_fields)


def test_every_value_is_explained() -> None:
    lines = (CHART / "values.yaml").read_text().splitlines()
    explained: list[int] = []  # indentations of the explained keys around this line
    unexplained = []
    for before, line in zip(["", *lines], lines, strict=False):
        key = re.match(r"( *)([\w.]+):(.*)", line)
        if key is None:
            continue
        indentation = len(key[1])
        explained = [level for level in explained if level < indentation]
        if before.lstrip().startswith("#"):
            explained.append(indentation)
        elif key[3].strip() and not explained:
            unexplained.append(line)
    assert unexplained == []


def test_the_schema_knows_every_default_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(schema["properties"]) - {"global"} == set(values)
