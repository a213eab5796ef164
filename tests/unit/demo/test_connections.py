import ast

from flightlake.demo import connections
from flightlake.demo.connections import Door

DOOR = Door("grpc+tls://127.0.0.1:31337", "demo", "a/b&c@d")


def test_the_jdbc_url_keeps_its_parameters_apart() -> None:
    assert connections.jdbc(DOOR) == (
        "jdbc:arrow-flight-sql://127.0.0.1:31337"
        "?useEncryption=true&disableCertificateVerification=true&user=demo&password=a%2Fb%26c%40d"
    )


def test_the_superset_uri_has_the_form_that_superset_users_type() -> None:
    assert connections.superset(DOOR) == (
        "adbc_flight_sql://demo:a%2Fb%26c%40d@127.0.0.1:31337"
        "?useEncryption=True&disableCertificateVerification=True"
    )


def test_the_python_lines_are_python() -> None:
    assert ast.parse(connections.adbc(DOOR))


def test_the_password_is_not_in_the_repr() -> None:
    assert "a/b&c@d" not in repr(DOOR)
