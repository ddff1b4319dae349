"""Listings are remembered for as long as they are right, and no longer."""

import os

import pytest

from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.listing import Listings
from tests.decoded_lake import age_folders
from tests.servers import wait_until

PREFIX = "some/day/"
ROOM = 1 << 20


def keys(listings: Listings) -> list[str]:
    return [info.key for info in listings.objects(PREFIX)]


@pytest.fixture
def calls(monkeypatch):
    made = []
    real = Store.list_objects

    def listed(self, prefix):
        made.append(prefix)
        return real(self, prefix)

    monkeypatch.setattr(Store, "list_objects", listed)
    return made


def test_a_folder_is_listed_again_when_it_has_changed(folder_lake, calls):
    listings = Listings(folder_lake, ROOM)
    assert (keys(listings), calls) == ([], [])
    folder_lake.put(f"{PREFIX}b", b"1")
    age_folders(folder_lake)
    assert keys(listings) == keys(listings) == [f"{PREFIX}b"]
    assert len(calls) == 1
    folder_lake.put(f"{PREFIX}a", b"1")
    assert keys(listings) == [f"{PREFIX}a", f"{PREFIX}b"]
    folder_lake.delete(f"{PREFIX}b")  # within the same tick of the clock, perhaps
    assert keys(listings) == [f"{PREFIX}a"]


def test_a_bucket_is_listed_once_in_a_while(bucket, calls):
    listings = Listings(bucket, ROOM, max_age_s=3600)
    bucket.put(f"{PREFIX}a", b"1")
    before = listings.objects(PREFIX)
    bucket.put(f"{PREFIX}b", b"1")
    assert listings.objects(PREFIX) is before
    assert len(calls) == 1
    listings.forget(PREFIX)
    assert len(keys(listings)) == 2
    # the same objects again are the same listing again
    always = Listings(bucket, ROOM, max_age_s=0)
    assert always.objects(PREFIX) is always.objects(PREFIX)


def test_what_is_new_in_a_bucket_is_seen_soon(bucket):
    listings = Listings(bucket, ROOM, max_age_s=0.2)
    assert keys(listings) == []
    bucket.put(f"{PREFIX}a", b"1")
    wait_until(lambda: keys(listings), "the object to be listed")


def test_what_does_not_fit_is_listed_every_time(folder_lake, calls):
    listings = Listings(folder_lake, 1000)
    for prefix in ("one/", "two/"):
        for number in range(5):
            folder_lake.put(f"{prefix}{number}", b"1")
    age_folders(folder_lake)
    for _ in range(2):
        for prefix in ("one/", "two/"):
            assert len(listings.objects(prefix)) == 5
    assert len(calls) == 4


def test_many_folders_are_asked_in_one_call_as_each_alone(folder_lake):
    folders = [f"some/day{number:02d}/" for number in range(12)]
    for number, folder in enumerate(folders):
        folder_lake.put(f"{folder}object", b"")
        os.utime(folder_lake.root / folder, ns=(1, 1_700_000_000_000_000_001 + number))
    folders.append("nowhere/")
    listings = Listings(folder_lake, ROOM)
    for asked in (folders, folders[-3:], []):
        assert listings.changes(asked) == [folder_lake.changed_ns(folder) for folder in asked]
    assert listings.changes(folders)[-1] == 0
