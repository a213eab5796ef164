"""The cache keeps what was used last, within its bytes."""

from concurrent.futures import ThreadPoolExecutor

from flightlake.lake.bounded_cache import BoundedCache


def test_what_is_put_is_found() -> None:
    cache: BoundedCache[str, int] = BoundedCache(10)
    cache.put("a", 1, 4)
    assert (cache.get("a"), cache.get("b"), cache.bytes) == (1, None, 4)


def test_what_was_not_used_for_longest_goes_first() -> None:
    cache: BoundedCache[str, int] = BoundedCache(10)
    for key in ("a", "b"):
        cache.put(key, 1, 4)
    cache.get("a")
    cache.put("c", 1, 4)
    assert (cache.get("a"), cache.get("b"), cache.get("c"), cache.bytes) == (1, None, 1, 8)


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache: BoundedCache[str, int] = BoundedCache(10)
    cache.put("small", 1, 4)
    cache.put("large", 1, 11)
    assert (cache.get("small"), cache.get("large"), cache.bytes) == (1, None, 4)


def test_a_key_put_again_is_counted_once() -> None:
    cache: BoundedCache[str, int] = BoundedCache(10)
    cache.put("a", 1, 4)
    cache.put("a", 2, 5)
    assert (cache.get("a"), cache.bytes) == (2, 5)


def test_a_value_is_made_once() -> None:
    cache: BoundedCache[str, int] = BoundedCache(10)
    made = []

    def make() -> tuple[int, int]:
        made.append(1)
        return 7, 1

    assert [cache.get_or_make("a", make) for _ in range(3)] == [7, 7, 7]
    assert len(made) == 1


def test_the_bytes_are_right_under_many_threads() -> None:
    cache: BoundedCache[int, int] = BoundedCache(50)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: cache.put(n % 13, n, 1 + n % 7), range(5000)))
    kept = [key for key in range(13) if cache.get(key) is not None]
    assert 0 < cache.bytes <= 50
    assert len(kept) >= 50 // 7
