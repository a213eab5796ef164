"""Avro files are taken apart strictly, whatever packed them."""

import pytest

from flightlake.lake.avro import Malformed, opened
from tests.fix_avro import CODECS, SYNC, avro_file, container, number

TEXT = {"type": "record", "name": "t", "fields": [{"name": "text", "type": "string"}]}
VALUES = [{"text": f"{number} " * 40} for number in range(25)]


@pytest.mark.parametrize("codec", CODECS)
def test_blocks_of_every_codec_come_out_as_they_went_in(codec: str) -> None:
    plain = opened(avro_file(TEXT, VALUES, per_block=10))
    packed = opened(avro_file(TEXT, VALUES, codec, per_block=10))
    assert packed.payload == plain.payload
    assert packed.counts.tolist() == [10, 10, 5]
    assert packed.sizes.tolist() == plain.sizes.tolist()
    assert packed.sizes.sum() == len(packed.payload)


@pytest.mark.parametrize("codec", CODECS)
def test_a_file_cut_short_is_an_error_wherever_it_is_cut(codec: str) -> None:
    content = avro_file(TEXT, VALUES, codec, per_block=25)
    ends_of_blocks = {content.index(SYNC) + len(SYNC), len(content)}
    for length in range(len(content)):
        if length not in ends_of_blocks:
            with pytest.raises(Malformed):
                opened(content[:length])


@pytest.mark.parametrize("codec", set(CODECS) - {"null"})
def test_a_packed_block_cut_short_is_an_error_though_the_file_is_whole(codec: str) -> None:
    content = avro_file(TEXT, VALUES, codec, per_block=25)
    start = content.index(SYNC) + len(SYNC)
    packed = content[start + 3 : -len(SYNC)]
    for cut in (1, len(packed) // 2, len(packed) - 1):
        short = content[:start] + number(25) + number(len(packed) - cut) + packed[:-cut] + SYNC
        with pytest.raises(Malformed):
            opened(short)


def test_snappy_holds_the_check_that_avro_adds() -> None:
    content = avro_file(TEXT, VALUES, "snappy", per_block=25)
    wrong = bytearray(content)
    wrong[-len(SYNC) - 1] ^= 1
    with pytest.raises(Malformed, match="check"):
        opened(bytes(wrong))


def test_a_snappy_block_that_claims_to_be_huge_is_refused_before_memory_is_asked_for() -> None:
    content = avro_file(TEXT, [], "snappy")
    block = b"\xff\xff\xff\xff\x0f" + b"\x00" * 8
    with pytest.raises(Malformed):
        opened(content + number(1) + number(len(block)) + block + SYNC)


def test_another_mark_between_blocks_is_an_error() -> None:
    content = avro_file(TEXT, VALUES, per_block=10)
    with pytest.raises(Malformed, match="block"):
        opened(content[:-1] + b"\xff")


@pytest.mark.parametrize("tail", [b"\x00", b"x" * 16, number(-1) + number(0) + SYNC])
def test_what_stands_behind_the_last_block_is_an_error(tail: bytes) -> None:
    with pytest.raises(Malformed):
        opened(avro_file(TEXT, VALUES) + tail)


def test_a_codec_that_nobody_knows_is_an_error() -> None:
    content = avro_file(TEXT, VALUES).replace(b"\x08null", b"\x08nill")
    with pytest.raises(Malformed, match="codec"):
        opened(content)


def test_a_file_of_no_blocks_has_no_records() -> None:
    assert opened(container(TEXT, [])).counts.tolist() == []


def test_something_else_is_no_avro_file() -> None:
    with pytest.raises(Malformed):
        opened(b"PAR1" + bytes(100))
