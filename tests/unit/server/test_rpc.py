"""What is read from an RPC's headers and connection."""

import pytest

from flightlake.auth import Peer
from flightlake.errors import InvalidRequest
from flightlake.server.rpc import check_size, read_headers, read_peer, trace_id

TLS = {"transport_security_type": [b"ssl"]}


@pytest.mark.parametrize(
    ("peer", "auth_context", "expected"),
    [
        ("ipv4:127.0.0.1:5000", {}, Peer("127.0.0.1", secure=True)),
        ("ipv4:10.0.0.7:5000", {}, Peer("10.0.0.7", secure=False)),
        ("ipv4:10.0.0.7:5000", TLS, Peer("10.0.0.7", secure=True)),
        ("ipv6:%5B::1%5D:5000", {}, Peer("::1", secure=True)),
        ("ipv6:[2001:db8::1]:5000", {}, Peer("2001:db8::1", secure=False)),
        ("ipv6:[::ffff:127.0.0.1]:5000", {}, Peer("::ffff:127.0.0.1", secure=True)),
        ("ipv6:[::ffff:10.0.0.7]:5000", {}, Peer("::ffff:10.0.0.7", secure=False)),
        ("ipv6:[fe80::1%25eth0]:5000", {}, Peer("fe80::1", secure=False)),
        ("unix:/run/flightlake.sock", {}, Peer("unix", secure=True)),
        ("unknown", {}, Peer("unknown", secure=False)),
    ],
)
def test_the_peer_is_its_address_and_whether_it_is_safe(peer, auth_context, expected):
    assert read_peer(peer, auth_context) == expected


def test_header_names_are_lower_case_and_binary_headers_left_out():
    assert read_headers([("X-Name", "v"), ("auth-token-bin", b"\xff")]) == {"x-name": "v"}


def test_the_last_of_several_headers_holds():
    assert read_headers([("authorization", "Basic x"), ("authorization", "Bearer y")]) == {
        "authorization": "Bearer y"
    }


def test_cookies_that_a_client_split_are_joined():
    assert read_headers([("cookie", "a=1"), ("cookie", "b=2")]) == {"cookie": "a=1; b=2"}


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-later", TRACE),
        ("", None),
        (f"00-{TRACE[:-1]}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        ("garbage", None),
    ],
)
def test_the_trace_id_is_that_of_the_traceparent_header(header, expected):
    assert trace_id({"traceparent": header}) == expected


def test_no_header_is_no_trace():
    assert trace_id({}) is None


def test_a_request_over_the_limit_is_refused_with_both_numbers():
    assert check_size(b"1234", 4) == b"1234"
    with pytest.raises(InvalidRequest, match=r"5 bytes; the limit is 4"):
        check_size(b"12345", 4)
