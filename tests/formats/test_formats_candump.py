"""candump's text, line by line: exact times, every kind of frame, every damage counted."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadLog
from telemetry_pipeline.formats import lines as lines_module
from telemetry_pipeline.formats.dialects import CANDUMP
from telemetry_pipeline.formats.frames import FD_LENGTHS
from telemetry_pipeline.formats.lines import split_lines
from telemetry_pipeline.formats.reader import read_log
from telemetry_pipeline.formats.report import LogReport
from telemetry_pipeline.formats.text import match_frames


def table_of(path, **kwargs):
    return [row for table in read_log(path, vehicle_id="V", **kwargs) for row in table.to_pylist()]


@st.composite
def frames(draw):
    kind = draw(st.sampled_from(["data", "fd", "remote", "error"]))
    extended = draw(st.booleans()) and kind != "error"
    arb_id = draw(st.integers(0, 0x1FFFFFFF if extended or kind == "error" else 0x7FF))
    length = draw(st.sampled_from(FD_LENGTHS) if kind == "fd" else st.integers(0, 8))
    data = b"" if kind == "remote" else draw(st.binary(min_size=length, max_size=length))
    stamp = draw(st.integers(0, 2**63 - 10**9))
    digits = draw(st.sampled_from([3, 6, 9]))
    stamp -= stamp % 10 ** (9 - digits)
    return (
        kind,
        extended,
        arb_id,
        length,
        data,
        stamp,
        digits,
        draw(st.sampled_from(["can0", "vcan12", "any"])),
    )


def spell(frame, upper):
    kind, extended, arb_id, length, data, stamp, digits, channel = frame
    if kind == "error":
        name = f"{arb_id | 0x20000000:08X}"
    else:
        name = f"{arb_id:08X}" if extended else f"{arb_id:03X}"
    body = {"fd": "#1", "remote": f"R{length}"}.get(kind, "") + data.hex()
    time = f"{stamp // 10**9:010d}.{stamp % 10**9 // 10 ** (9 - digits):0{digits}d}"
    return f"({time}) {channel} {name}#{body.upper() if upper else body}\n"


@given(st.lists(frames(), min_size=1), st.booleans())
def test_what_is_spelled_is_read(wanted, upper):
    text = "".join(spell(frame, upper) for frame in wanted).encode()
    numbers, found = match_frames(split_lines(text), CANDUMP)
    assert numbers.tolist() == list(range(len(wanted)))
    assert found.stamps.tolist() == [frame[5] for frame in wanted]
    assert found.arb_id.tolist() == [frame[2] for frame in wanted]
    assert found.data.to_pylist() == [frame[4] for frame in wanted]
    assert found.channel.to_pylist() == [frame[7] for frame in wanted]
    assert found.extended.tolist() == [frame[1] for frame in wanted]
    assert found.remote.tolist() == [frame[0] == "remote" for frame in wanted]
    assert found.error.tolist() == [frame[0] == "error" for frame in wanted]
    assert found.fd.tolist() == [frame[0] == "fd" for frame in wanted]
    sizes = [FD_LENGTHS[dlc] for dlc in found.dlc.tolist()]
    assert sizes == [frame[3] for frame in wanted]


@given(st.binary(max_size=300))
def test_noise_is_no_frame_and_no_crash(noise):
    numbers, _ = match_frames(split_lines(noise), CANDUMP)
    assert not len(numbers) or b"#" in noise


@pytest.mark.parametrize(
    "line",
    [
        "(1800000000.000000) can0 123#0",
        "(1800000000.000000) can0 1234#00",
        "(1800000000.000000) can0 FFF#00",
        "(1800000000.000000) can0 123##",
        "(1800000000.000000) can0 12345678#112233445566778899",
        "(1800000000.000000) can0 123#R01",
        "(9999999999.000000) can0 123#00",
        "(1800000000.000000) can0 123#00 # comment",
        "(1.0) can0 123#00",
        "",
        "\0\0\0",
    ],
)
def test_a_damaged_line_is_counted_by_number(tmp_path, line):
    good = "(1800000000.5) can0 123#01\n"
    (tmp_path / "a.log").write_text(f"{good}{line}\n{good}")
    report = LogReport()
    assert len(table_of(tmp_path / "a.log", report=report)) == 2
    assert (report.bad_lines, report.bad_line_numbers) == (1, [2])


def test_comments_and_blank_ends_are_no_damage(tmp_path):
    (tmp_path / "a.log").write_text("# made by hand\n\n(1800000000.5) can0 123#01\n\n\n")
    report = LogReport()
    table_of(tmp_path / "a.log", report=report)
    assert (report.bad_lines, report.other_lines) == (0, 1)


def test_line_numbers_go_on_across_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(lines_module, "CHUNK_BYTES", 100)
    monkeypatch.setattr(lines_module, "_READ_BYTES", 64)
    lines = [f"(1800000000.{nth:06d}) can0 123#{nth:04X}" for nth in range(1000)]
    lines[500] = lines[900] = "torn"
    (tmp_path / "a.log").write_text("\n".join(lines))
    report = LogReport()
    rows = table_of(tmp_path / "a.log", report=report)
    assert report.bad_line_numbers == [501, 901]
    assert [int.from_bytes(row["data"], "big") for row in rows] == [
        n for n in range(1000) if n not in (500, 900)
    ]


def test_the_shape_on_the_screen_and_line_numbers_before(tmp_path):
    (tmp_path / "a.txt").write_text(
        " (1800000000.100000)  can0  123   [3]  11 22 33\n"
        " (1800000000.200000)  can1  18DAF110   [12]  00 01 02 03 04 05 06 07 08 09 0A 0B\n"
        " (1800000000.300000)  can0  321   [0]  remote request\n"
        " (1800000000.400000)  can0  20000004   [8]  00 01 00 00 00 00 00 00   ERRORFRAME\n"
        "5 (1800000000.500000) can0 123#11223344\n"
    )
    rows = table_of(tmp_path / "a.txt")
    assert [row["arb_id"] for row in rows] == [0x123, 0x18DAF110, 0x321, 4, 0x123]
    assert [len(row["data"]) for row in rows] == [3, 12, 0, 8, 4]
    assert [row["is_fd"] for row in rows] == [False, True, False, False, False]
    assert [row["is_remote_frame"] for row in rows] == [False, False, True, False, False]
    assert [row["is_error_frame"] for row in rows] == [False, False, False, True, False]


def test_a_gzip_that_ends_early_gives_its_readable_part(tmp_path):
    text = "".join(f"(1800000000.{nth:06d}) can0 123#{nth * 7919 % 2**32:08X}\n" for nth in range(20_000))
    packed = gzip.compress(text.encode())
    (tmp_path / "a.log.gz").write_bytes(packed[: len(packed) // 2])
    report = LogReport()
    rows = table_of(tmp_path / "a.log.gz", report=report)
    assert 1_000 < len(rows) < 20_000
    assert "cannot be read to its end" in report.damage


def test_frames_without_times_are_refused(tmp_path):
    (tmp_path / "a.log").write_text("  can0  123   [3]  11 22 33\n" * 3)
    with pytest.raises(BadLog, match="no times"):
        table_of(tmp_path / "a.log")
