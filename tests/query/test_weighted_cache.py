"""A cache that holds so much weight, and what goes when more comes."""

from telemetry_pipeline.query.cache import WeightedCache


def test_what_was_used_longest_ago_makes_room():
    cache = WeightedCache(10)
    cache.put("a", 1, 4)
    cache.put("b", 2, 4)
    assert cache.get("a") == 1
    cache.put("c", 3, 4)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


def test_replacing_a_value_replaces_its_weight():
    cache = WeightedCache(10)
    for _ in range(5):
        cache.put("a", 1, 6)
    cache.put("b", 2, 4)
    assert (len(cache), cache.get("a"), cache.get("b")) == (2, 1, 2)


def test_one_value_too_heavy_is_kept_alone():
    cache = WeightedCache(10)
    cache.put("a", 1, 1)
    cache.put("huge", 2, 100)
    assert (len(cache), cache.get("huge")) == (1, 2)
    cache.put("b", 3, 1)
    assert (len(cache), cache.get("huge"), cache.get("b")) == (1, None, 3)
