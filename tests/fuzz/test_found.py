"""What the fuzzing found, each as the smallest input that shows it."""

import io
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edge_agent.journal import ClockState, Reading, pack_block, scan
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.extent import oversized
from telemetry_pipeline.errors import BadDbc, BadRaw
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.conform import check_columns
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_object
from tests.edge_agent.test_journal import NUMBER, arrival_of
from tests.fuzz.journal_target import with_right_checksum
from tests.raw_lake import EV_DBC, NOON, add_dbc, frames


@pytest.mark.parametrize("column", ["vehicle_id", "channel"])
def test_text_that_is_no_text_goes_to_quarantine(folder_lake: Store, column: str) -> None:
    """Parquet says of a column that it is text, and nobody who writes it has to keep that."""
    table = frames("EV_001", NOON, 3)
    words = [b"EV_001", b"\xff", b"EV_001"]
    offsets = pa.py_buffer(pa.array([0, 6, 7, 13], pa.int32()).buffers()[1])
    lie = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"".join(words)))
    sink = io.BytesIO()
    pq.write_table(table.set_column(schema.RAW.names.index(column), column, lie), sink, store_schema=False)
    raw = RawObject.starting("EV_001", NOON)
    add_dbc(folder_lake)
    folder_lake.put(raw.key, sink.getvalue())
    outcome = process_object(folder_lake, raw, Databases.load(folder_lake).plan_for("EV_001"))
    assert "no UTF-8 text" in outcome.quarantined
    assert folder_lake.get(raw.quarantine_key) == sink.getvalue()


def test_a_database_that_cannot_be_mended_is_refused_and_not_mended_for_ever() -> None:
    """What cantools says of it is cut short, so that the statement it means is not found."""
    text = EV_DBC.read_text() + f'\nVAL_ 1 {"signal_1" * 50} 0 "off" ;\n'
    with suppress(BadDbc):
        load_dbc(text.encode(), "x.dbc")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.dbc", 'BO_ 1 M: 8 V\n SG_ s m0 : 0|2147483647@1+ (1,0) [0|0] "" V\n'),
        ("x.dbc", 'BO_ 1 M: 8 V\n SG_ s : 2147483647 | 8@1+ (1,0) [0|0] "" V\n'),
        ("x.dbc", "BO_ 1 M: 99999999999999999999999999 V\n"),
        # within memory, and still half a minute for every signal
        ("x.dbc", 'BO_ 1 M: 39982 V\n SG_ s : 0|8@1- (1,0) [0|0] "" V\n'),
        (
            "x.kcd",
            '<Bus name="b"><Message id="1" name="M"><Signal name="s" offset="0" length="2147483647"/></Message></Bus>',
        ),
        (
            "x.sym",
            'FormatVersion=6.0\nTitle="t"\n\n{SENDRECEIVE}\n\n[M]\nID=001h\nLen=8\nVar=s unsigned 0,2147483647\n',
        ),
        ("x.arxml", "<AUTOSAR><I-SIGNAL><LENGTH>2147483647</LENGTH></I-SIGNAL></AUTOSAR>"),
    ],
)
def test_a_size_that_nobody_has_is_refused_before_it_is_made(name: str, text: str) -> None:
    with pytest.raises(BadDbc, match="no message is that long"):
        load_dbc(text.encode(), name)


def test_a_range_of_more_values_than_a_multiplexer_has_is_refused_before_it_is_made() -> None:
    text = (
        'BO_ 100 M: 8 V\n SG_ page M : 0|32@1+ (1,0) [0|0] "" V\n SG_ s m1 : 32|8@1+ (1,0) [0|0] "" V\n'
        "SG_MUL_VAL_ 100 s page {};\n"
    )
    with pytest.raises(
        BadDbc, match="no multiplexer has that many values: SG_MUL_VAL_ 100 s page 1-241118984"
    ):
        load_dbc(text.format("1-241118984").encode(), "x.dbc")
    assert oversized(text.format("3-3, 0-65536"), "dbc")
    assert not oversized(text.format("3-3, 0-65535"), "dbc")
    assert not oversized(text.format("4294967290-4294967295"), "dbc")


def test_a_number_of_endless_digits_is_refused_before_it_is_written_out() -> None:
    text = 'BO_ 1 M1e99999: 8 V\n SG_ s : 0|8@1+ (1e-6,0) [0|1e300] "1e99999" V\n\nBA_DEF_ BO_ "Fast \\" 1e99999" INT 0 {};\n'
    with pytest.raises(BadDbc, match="no number is that large: 01e999100000"):
        load_dbc(text.format("01e999100000").encode(), "x.dbc")
    assert not oversized(text.format("2.745744098767810851571364370E+4161"), "dbc")


def test_a_large_number_that_is_no_size_is_none() -> None:
    assert not oversized('<Signal name="s" offset="0"><Value offset="4294967296"/></Signal>', "kcd")
    assert not oversized('Title="of 2147483647"\n', "sym")
    assert not oversized('BO_ 2147483649 M: 8 V\n SG_ s : 0|8@1+ (1,0) [0|4294967295] "" V\n', "dbc")


def test_a_reason_is_one_line_whatever_columns_are_called() -> None:
    with pytest.raises(BadRaw, match=r"found: time.stamp, arb_id") as refused:
        check_columns(["time\nstamp", "arb_id"], "raw/x")
    assert str(refused.value).isprintable()


def test_frames_are_read_whatever_their_channel_is_called() -> None:
    reading = Reading(1, 2, ClockState.KNOWN)
    blocks = [b"".join(pack_block(arrival_of([nth], f"name{nth}"), reading, NUMBER, nth)) for nth in range(3)]
    blocks[1] = with_right_checksum(blocks[1].replace(b"name1", b"name\xa1"))
    found = [block.arrival for block in scan(b"".join(blocks), NUMBER)]
    assert [arrival.channel for arrival in found] == ["name0", "name\ufffd", "name2"]
    assert [arrival.records["stamp"].tolist() for arrival in found] == [[0], [1], [2]]
