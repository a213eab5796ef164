"""Manifests are read once while there is room, in order, and only whole."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from flightlake.cancellation import Cancellation
from flightlake.errors import Cancelled, DamagedData
from flightlake.lake.manifest_cache import ManifestCache
from flightlake.lake.manifest_lists import ManifestRef
from flightlake.lake.pinned import Pinned
from flightlake.lake.stores import StoreSettings, settings_for
from tests.fix_avro import avro_file, entry, manifest_schema

SCHEMA = manifest_schema(2)
EVERYTHING = 1 << 30


def pinned(folder: Path) -> Pinned:
    store = settings_for(f"file://{folder}", {}, 10.0)
    unused = cast(Any, None)
    return Pinned("lake.s.t", metadata=unused, schema=unused, manifest_list=None, store=store)


def written(folder: Path, number: int, files: int = 3, **given: Any) -> ManifestRef:
    content = avro_file(
        SCHEMA, [entry(SCHEMA, f"s3://b/{number}/{file}", **given) for file in range(files)]
    )
    path = folder / f"{number}-m0.avro"
    path.write_bytes(content)
    return ManifestRef(f"file://{path}", len(content), 0, False, files, None, False)


def cache(max_bytes: int = EVERYTHING) -> ManifestCache:
    return ManifestCache(ThreadPoolExecutor(2), 3, max_bytes)


def firsts(cached: ManifestCache, of: Pinned, refs: list[ManifestRef]) -> list[str]:
    return [manifest.file(0)[0] for manifest in cached.of(of, refs)]


def test_manifests_come_in_the_order_they_are_asked_for(tmp_path: Path) -> None:
    refs = [written(tmp_path, number) for number in range(40)]
    cached, of = cache(), pinned(tmp_path)
    assert firsts(cached, of, refs[::3]) == [f"s3://b/{number}/0" for number in range(0, 40, 3)]
    assert firsts(cached, of, refs) == [f"s3://b/{number}/0" for number in range(40)]
    assert firsts(cached, of, []) == []


def test_a_manifest_is_read_once_while_there_is_room(tmp_path: Path) -> None:
    refs = [written(tmp_path, number) for number in range(3)]
    cached, of = cache(), pinned(tmp_path)
    before = cached.of(of, refs)
    for ref in refs:
        Path(ref.path.removeprefix("file://")).unlink()
    assert all(one is other for one, other in zip(before, cached.of(of, refs), strict=True))
    assert cached.taken == sum(manifest.nbytes for manifest in before)


def test_what_is_kept_is_bounded_and_what_is_not_kept_is_given_all_the_same(
    tmp_path: Path,
) -> None:
    refs = [written(tmp_path, number, files=50) for number in range(40)]
    of = pinned(tmp_path)
    one = cache().of(of, refs[:1])[0].nbytes
    cached = cache(10 * one)
    for _ in range(2):
        assert len(firsts(cached, of, refs)) == 40
        assert 8 * one <= cached.taken <= 10 * one


def test_nothing_is_read_for_a_statement_that_nobody_waits_for(tmp_path: Path) -> None:
    refs = [written(tmp_path, 1)]
    cancellation = Cancellation()
    cancellation.cancel()
    cached = cache()
    with pytest.raises(Cancelled):
        cached.of(pinned(tmp_path), refs, cancellation)
    assert cached.taken == 0


def test_a_manifest_of_another_length_is_damaged(tmp_path: Path) -> None:
    ref = written(tmp_path, 1)
    with pytest.raises(DamagedData, match="long"):
        cache().of(pinned(tmp_path), [replace(ref, length=ref.length - 1)])


def test_a_manifest_with_fewer_entries_than_the_list_says_is_damaged(tmp_path: Path) -> None:
    ref = written(tmp_path, 1)
    with pytest.raises(DamagedData, match="fewer"):
        cache().of(pinned(tmp_path), [replace(ref, live=4)])


def test_a_broken_manifest_is_damaged_whatever_is_broken_in_it(tmp_path: Path) -> None:
    ref = written(tmp_path, 1)
    path = Path(ref.path.removeprefix("file://"))
    content = path.read_bytes()
    places = range(0, len(content), 97)
    for at in places:
        path.write_bytes(content[:at] + bytes(200) + content[at + 200 :])
        with pytest.raises(DamagedData):
            cache().of(pinned(tmp_path), [replace(ref, length=path.stat().st_size)])


def test_delete_files_among_data_files_are_damage_not_rows(tmp_path: Path) -> None:
    ref = written(tmp_path, 1, content=1)
    with pytest.raises(DamagedData, match="delete"):
        cache().of(pinned(tmp_path), [ref])
    assert len(cache().of(pinned(tmp_path), [replace(ref, deletes=True)])) == 1


def test_one_manifest_that_is_missing_is_an_error_with_the_tables_name(tmp_path: Path) -> None:
    refs = [written(tmp_path, number) for number in range(5)]
    Path(refs[3].path.removeprefix("file://")).unlink()
    with pytest.raises(DamagedData, match=r"lake\.s\.t"):
        cache().of(pinned(tmp_path), refs)


def test_stores_tell_their_manifests_apart(tmp_path: Path) -> None:
    ref, of = written(tmp_path, 1), pinned(tmp_path)
    other: StoreSettings = replace(of.store, authority="elsewhere")
    cached = cache()
    (one,) = cached.of(of, [ref])
    (two,) = cached.of(replace(of, store=other), [ref])
    assert one is not two
