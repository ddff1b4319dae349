import errno
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.journal import ClockState, Journal, Reading, scan
from edge_agent.journal import pack_block as parts_of_block
from edge_agent.records import CLASSIC, WIDE, Arrival

NUMBER = 0x1234_5678_9ABC_DEF0
START = 1_000_000_000


def arrival_of(stamps, channel="can0", dtype=CLASSIC, fill=0):
    records = np.zeros(len(stamps), dtype)
    records["stamp"] = stamps
    records["length"] = 8
    records["data"] = fill
    return Arrival(channel, records)


def reading_at(nth):
    return Reading(START + nth, 77, ClockState.KNOWN)


def pack_block(*block):
    return b"".join(parts_of_block(*block))


@st.composite
def written(draw):
    """A journal of a few blocks: where each begins and ends, their stamps, and the bytes."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=8))
    blocks, content, edges = [], b"", [0]
    for nth, size in enumerate(sizes):
        stamps = [1000 * nth + k for k in range(size)]
        # payloads that look like the beginning of a block must not be taken for one
        fill = draw(st.sampled_from([0, 0xFF, list(b"CANJ\1\x08\2\4")]))
        dtype = draw(st.sampled_from([CLASSIC, WIDE]))
        fill = fill * (8 if dtype is WIDE else 1) if isinstance(fill, list) else fill
        content += pack_block(arrival_of(stamps, f"can{nth % 2}", dtype, fill), reading_at(nth), NUMBER, nth)
        blocks.append(stamps)
        edges.append(len(content))
    return blocks, content, edges


def found(content):
    return [block.arrival.records["stamp"].tolist() for block in scan(content, NUMBER)]


@given(written())
def test_what_was_written_is_read(journal):
    blocks, content, _ = journal
    read = list(scan(content, NUMBER))
    assert [block.arrival.records["stamp"].tolist() for block in read] == blocks
    assert [block.arrival.channel for block in read] == [f"can{nth % 2}" for nth in range(len(blocks))]
    assert [block.reading for block in read] == [reading_at(nth) for nth in range(len(blocks))]


@given(written(), st.data())
def test_wherever_it_is_cut_the_whole_blocks_before_are_read(journal, data):
    blocks, content, edges = journal
    cut = data.draw(st.integers(0, len(content)))
    whole = sum(edge <= cut for edge in edges) - 1
    assert found(content[:cut]) == blocks[:whole]
    # a power cut may leave the length that was asked for and zeros, or what the disk held before
    padded = content[:cut] + bytes(data.draw(st.integers(1, 5000)))
    whole += padded.startswith(content[: edges[min(whole + 1, len(blocks))]]) and whole < len(blocks)
    assert found(padded) == blocks[:whole]
    other = pack_block(arrival_of([5]), reading_at(0), NUMBER ^ 1, whole)
    assert found(content[:cut] + other) == blocks[: sum(edge <= cut for edge in edges) - 1]


@settings(max_examples=300)
@given(written(), st.data())
def test_a_flipped_bit_costs_its_own_block_and_no_other(journal, data):
    blocks, content, edges = journal
    at = data.draw(st.integers(0, len(content) - 1))
    hurt = bytearray(content)
    hurt[at] ^= 1 << data.draw(st.integers(0, 7))
    nth = sum(edge <= at for edge in edges) - 1
    assert found(bytes(hurt)) == blocks[:nth] + blocks[nth + 1 :]


@given(written(), st.data())
def test_a_stretch_that_the_disk_lost_costs_the_blocks_that_it_touches(journal, data):
    blocks, content, edges = journal
    begin = data.draw(st.integers(0, len(content) - 1))
    end = data.draw(st.integers(begin + 1, len(content)))
    hurt = content[:begin] + data.draw(st.sampled_from([b"\0", b"\xff"])) * (end - begin) + content[end:]
    kept = [
        block
        for block, left, right in zip(blocks, edges, edges[1:], strict=False)
        if right <= begin or left >= end or hurt[left:right] == content[left:right]
    ]
    assert found(hurt) == kept


def test_blocks_that_are_there_twice_are_read_once():
    blocks = [pack_block(arrival_of([nth]), reading_at(nth), NUMBER, nth) for nth in range(3)]
    assert found(blocks[0] + blocks[1] + blocks[1] + blocks[0] + blocks[2]) == [[0], [1], [2]]


def test_it_grows_by_what_is_appended(tmp_path):
    path = tmp_path / "a.journal"
    journal = Journal(path, NUMBER)
    journal.append(arrival_of([1, 2]), reading_at(0))
    journal.append(arrival_of([3], "can1", WIDE), reading_at(1))
    assert found(path.read_bytes()) == [[1, 2], [3]]  # nothing of it is held back in this process
    assert (journal.frames, journal.bytes) == (3, path.stat().st_size)
    journal.sync()
    journal.close()
    with pytest.raises(FileExistsError):
        Journal(path, NUMBER)


@pytest.mark.parametrize("taken", [0, 1, 50])
def test_half_a_block_that_a_full_disk_took_is_cut_off(tmp_path, monkeypatch, taken):
    journal = Journal(tmp_path / "a.journal", NUMBER)
    journal.append(arrival_of([1]), reading_at(0))
    whole = os.writev

    def full(file, parts):  # a real disk takes a part first and then says so
        os.write(file, b"".join(parts)[:taken])
        if taken:
            return taken
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "writev", full)
    with pytest.raises(OSError, match="No space"):
        journal.append(arrival_of([2]), reading_at(1))
    monkeypatch.setattr(os, "writev", whole)
    journal.append(arrival_of([3]), reading_at(1))
    journal.close()
    assert found(journal.path.read_bytes()) == [[1], [3]]
