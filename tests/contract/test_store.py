"""The object store keeps one contract over a folder and over a real S3 server."""

import contextlib
import socket
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_pipeline.errors import AlreadyExists, BadKey, BadSetting, NotFound, TransientError
from telemetry_pipeline.lake import layout, ledger, parquet
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from tests.raw_lake import NOON, frames
from tests.servers import free_port

KEY = "raw/vehicle_id=EV_001/year=2026/month=02/day=23/20260223T072108.000Z_raw.parquet"


def test_what_is_put_is_what_is_got(any_lake: Store) -> None:
    any_lake.put(KEY, b"frames")
    assert any_lake.get(KEY) == b"frames"
    info = any_lake.head(KEY)
    assert info is not None
    assert (info.key, info.size) == (KEY, 6)
    with any_lake.open_file(KEY) as file:
        file.seek(2)
        assert bytes(file.read(3)) == b"ame"


def test_a_footer_is_read_from_an_open_file(any_lake: Store) -> None:
    any_lake.put(KEY, parquet.write_raw(frames("EV_001", NOON, 10), {"who": "me"}))
    with any_lake.open_file(KEY) as file:
        opened = parquet.open_object(file, KEY)
        assert parquet.read_footer(opened) == {"who": "me"}
        assert opened.read(["arb_id"]).num_rows == 10


def test_a_fingerprint_is_of_everything_under_a_prefix(any_lake: Store) -> None:
    prints = [any_lake.fingerprint("dbc/")]
    any_lake.put("dbc/a.dbc", b"one")
    prints.append(any_lake.fingerprint("dbc/"))
    any_lake.put("dbc/a.dbc", b"other")
    prints.append(any_lake.fingerprint("dbc/"))
    any_lake.put("dbc/b.dbc", b"one")
    prints.append(any_lake.fingerprint("dbc/"))
    assert len(set(prints)) == 4
    any_lake.put("raw/something", b"else")
    assert any_lake.fingerprint("dbc/") == prints[-1]
    any_lake.delete("dbc/b.dbc")
    assert any_lake.fingerprint("dbc/") == prints[2]


def test_put_replaces_and_the_tag_changes(any_lake: Store) -> None:
    any_lake.put(KEY, b"first")
    before = any_lake.head(KEY)
    any_lake.put(KEY, b"second")
    after = any_lake.head(KEY)
    assert any_lake.get(KEY) == b"second"
    assert before is not None
    assert after is not None
    assert before.etag != after.etag


def test_create_only_never_overwrites(any_lake: Store) -> None:
    any_lake.put(KEY, b"first", create_only=True)
    with pytest.raises(AlreadyExists, match="there already"):
        any_lake.put(KEY, b"second", create_only=True)
    assert any_lake.get(KEY) == b"first"


def test_one_of_many_writers_creates(any_lake: Store) -> None:
    won: list[int] = []

    def write(number: int) -> None:
        try:
            any_lake.put(KEY, str(number).encode(), create_only=True)
            won.append(number)
        except AlreadyExists:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert any_lake.get(KEY) == str(won[0]).encode()


def test_what_is_not_there_says_so(any_lake: Store) -> None:
    with pytest.raises(NotFound, match=r"20260223T072108\.000Z_raw\.parquet: no such object"):
        any_lake.get(KEY)
    with pytest.raises(NotFound), any_lake.open_file(KEY):
        pass
    assert any_lake.head(KEY) is None
    any_lake.delete(KEY)


def test_listing_goes_by_prefix(any_lake: Store) -> None:
    keys = {f"raw/vehicle_id=V{number}/year=2026/month=01/day=01/a_raw.parquet" for number in range(3)}
    for key in (*keys, "dbc/x.dbc"):
        any_lake.put(key, b"-")
    assert {info.key for info in any_lake.list_objects("raw/")} == keys
    assert {info.key for info in any_lake.list_objects("raw/vehicle_id=V1/")} == {
        key for key in keys if "V1" in key
    }
    assert list(any_lake.list_objects("decoded/")) == []
    assert any_lake.list_dirs("raw/") == ["raw/vehicle_id=V0", "raw/vehicle_id=V1", "raw/vehicle_id=V2"]
    assert any_lake.list_dirs("nowhere/") == []


def test_a_prefix_is_a_directory_not_the_beginning_of_a_name(any_lake: Store) -> None:
    any_lake.put("raw/vehicle_id=V1/a", b"-")
    any_lake.put("raw/vehicle_id=V10/a", b"-")
    assert [info.key for info in any_lake.list_objects("raw/vehicle_id=V1/")] == ["raw/vehicle_id=V1/a"]


def test_deleted_is_gone(any_lake: Store) -> None:
    any_lake.put(KEY, b"-")
    any_lake.delete(KEY)
    assert any_lake.head(KEY) is None


@pytest.mark.parametrize("key", ["../outside", "raw/../../outside", "/absolute/../x"])
def test_a_key_cannot_leave_the_lake(any_lake: Store, key: str) -> None:
    with pytest.raises(BadKey):
        any_lake.put(key, b"-")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    vehicle=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    ns=st.integers(0, 4_102_444_800_000_000_000),
    body=st.binary(max_size=2000),
)
def test_any_raw_object_is_found_again(any_lake: Store, vehicle: str, ns: int, body: bytes) -> None:
    raw = RawObject.starting(vehicle, ns)
    any_lake.put(raw.key, body)
    assert any_lake.get(raw.key) == body
    assert raw in ledger.read_ledger(any_lake, raw.partition).pending
    assert raw.partition in ledger.partitions(any_lake, vehicle)


def test_a_ledger_is_raw_minus_decoded_minus_quarantined(any_lake: Store) -> None:
    raws = [RawObject.starting("EV_001", 1_700_000_000_000_000_000 + n * 60_000_000_000) for n in range(4)]
    for raw in raws:
        any_lake.put(raw.key, b"-")
    any_lake.put(raws[0].decoded_key, b"-")
    any_lake.put(raws[1].quarantine_key, b"-")
    stray = raws[0].partition.prefix(layout.RAW) + "notes.txt"
    any_lake.put(stray, b"-")
    book = ledger.read_ledger(any_lake, raws[0].partition)
    assert book.pending == raws[2:]
    assert book.strays == (stray,)
    assert ledger.vehicles(any_lake) == ["EV_001"]


@pytest.mark.parametrize(
    "url", ["", "lake", "/abs/lake", "http://x/y", "s3://", "file://host/lake", "file:lake"]
)
def test_a_url_that_is_no_lake_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(BadSetting) as error:
        Store.open(url)
    assert "\n" not in str(error.value)
    assert "file:///" in str(error.value)


def test_a_bucket_without_credentials_says_what_to_do(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(BadSetting, match="AWS_PROFILE"):
        Store.open("s3://some-bucket")


def test_a_server_that_does_not_answer_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    store = Store.open("s3://bucket", endpoint_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(TransientError, match="does not answer"):
        store.get("dbc/x.dbc")


@pytest.mark.parametrize(("scheme", "first"), [("https", b"\x16\x03"), ("http", b"GE")])
def test_a_bucket_is_asked_in_plain_text_only_where_the_endpoint_says_so(
    scheme: str, first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        endpoint = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        store = Store.open("s3://lake", endpoint_url=endpoint)
        threading.Thread(target=lambda: ask_in_vain(store), daemon=True).start()
        client, _ = server.accept()
        with client:
            assert client.recv(2) == first  # 22 3: a TLS handshake


def ask_in_vain(store: Store) -> None:
    """Ask, and do not mind that nobody answers."""
    with contextlib.suppress(TransientError):
        store.get(KEY)
