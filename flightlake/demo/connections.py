"""How other programs reach the demo's server."""

import json
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

_FIRST_QUESTION = "SELECT count(*) FROM lake.tpch.lineitem"


@dataclass(frozen=True, slots=True)
class Door:
    """An address (``grpc+tls://host:port``) and who may come in."""

    location: str
    user: str
    password: str = field(repr=False)

    @property
    def address(self) -> str:
        """``host:port``, an IPv6 host in brackets."""
        return urlsplit(self.location).netloc


def adbc(door: Door) -> str:
    """Return a Python program for the ADBC driver (``pip install adbc-driver-flightsql``)."""
    return f"""\
from adbc_driver_flightsql import DatabaseOptions, dbapi

with dbapi.connect(
    {json.dumps(door.location)},
    db_kwargs={{
        "username": {json.dumps(door.user)},
        "password": {json.dumps(door.password)},
        DatabaseOptions.TLS_SKIP_VERIFY.value: "true",
    }},
    autocommit=True,
) as connection, connection.cursor() as cursor:
    cursor.execute({json.dumps(_FIRST_QUESTION)})
    print(cursor.fetch_arrow_table())"""


def jdbc(door: Door) -> str:
    """Return the URL for the Arrow Flight SQL JDBC driver, also for DBeaver and Tableau."""
    return (
        f"jdbc:arrow-flight-sql://{door.address}"
        f"?useEncryption=true&disableCertificateVerification=true"
        f"&user={quote(door.user, safe='')}&password={quote(door.password, safe='')}"
    )


def superset(door: Door) -> str:
    """Return the SQLAlchemy URI for Superset."""
    return (
        f"adbc_flight_sql://{quote(door.user, safe='')}:{quote(door.password, safe='')}"
        f"@{door.address}?useEncryption=True&disableCertificateVerification=True"
    )


def command_line(door: Door) -> str:
    """Return the command that opens a prompt on the server."""
    return (
        f"FLIGHTLAKE_PASSWORD={door.password} flightlake sql"
        f" --uri {door.location} --user {door.user} --insecure"
    )
