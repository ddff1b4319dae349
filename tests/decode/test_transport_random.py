"""Any frames at all: what comes out is what one frame at a time gives, whole or in pieces."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.decode.transport.reassemble import reassemble
from tests.decode.transport_bus import MS, Frame, fastpacket, frames_of, isotp, j1939, plan_of, table
from tests.decode.transport_oracle import Oracle

PLANS = {
    "isotp": plan_of({(0x7EC, False): 62, (0x7EC, True): 40, (0x123, False): 8}, "isotp"),
    "fastpacket": plan_of({(0x0DF80503, True): 43, (0x0DF11903, True): 8}, "fastpacket", match="pgn"),
    "j1939": plan_of({(0x18FECA00, True): 1785, (0x18EF0000, True): 100}, "j1939", match="pgn"),
}
PAUSES = (0, 1, 10, 400, 4_999, 5_000, 5_001, 60_000)
SEEDS = st.integers(0, 2**32)


def transfer(protocol, random):
    """The frames of one transfer as (arbitration id, extended, data)."""
    payload = random.randbytes(random.choice((random.randint(1, 30), random.randint(1, 200))))
    if protocol == "isotp":
        arb_id, extended = random.choice(((0x7EC, False), (0x7EC, True)))
        return [(arb_id, extended, data) for data in isotp(payload, random.choice((8, 8, 8, 12, 64)))]
    if protocol == "fastpacket":
        arb_id = random.choice((0x0DF80503, 0x0DF80504))
        return [(arb_id, True, data) for data in fastpacket(payload, random.randrange(8))]
    source, to = random.choice(((0, None), (3, None), (0, 3), (3, 0)))
    pgn = random.choice((0xFECA, 0xEF00))
    sent = j1939(payload, pgn, source, to)
    if to is not None and random.random() < 0.3:  # packets in any order, some of them twice
        packets = sent[2:-1] + random.choices(sent[2:-1], k=random.randrange(3))
        random.shuffle(packets)
        sent[2:-1] = packets
    return [(arb_id, True, data) for arb_id, data in sent]


def stranger(protocol, random):
    """One frame of any content on one of the protocol's ids, or beside it."""
    ids = {
        "isotp": [(0x7EC, False), (0x7EC, True), (0x123, False)],
        "fastpacket": [(0x0DF80503, True), (0x0DF11903, True)],
        "j1939": [(0x1CECFF00, True), (0x1CEBFF00, True), (0x1CEC0300, True), (0x1CEB0300, True)],
    }
    arb_id, extended = random.choice(ids[protocol])
    data = random.randbytes(random.randrange(12))
    if protocol == "j1939" and random.random() < 0.3:  # an announcement that may contradict itself
        arb_id, size = random.choice((0x1CECFF00, 0x1CEC0300)), random.randint(6, 16)
        data = bytes([random.choice((16, 32)), size, 0, random.choice((1, 2, 3)), 255, 0xCA, 0xFE, 0])
    elif protocol == "j1939" and random.random() < 0.6:
        arb_id, data = 0x1CEC0003 | random.choice((0x300, 0, 0xFF00)), b"\xff\x01\xff\xff\xff\xca\xfe\x00"
        arb_id = random.choice((arb_id, 0x1CEC0300))
    elif (
        protocol == "isotp" and random.random() < 0.5
    ):  # a single frame with a length of its own, or nearly so
        data = bytes([0, random.randrange(12)]) + random.randbytes(random.randint(6, 10))
    return [(arb_id, extended, data)]


def recording(protocol, random):
    """Transfers of several senders on several channels, woven together, with frames lost, doubled and spoilt."""
    lanes = [
        (random.choice(("", "", "can1")), random.choice((transfer, transfer, transfer, stranger)))
        for _ in range(random.randrange(25))
    ]
    queues = [[(channel, *frame) for frame in make(protocol, random)] for channel, make in lanes]
    loss = random.choice((0, 0.01, 0.1))
    time, woven = 10**18, []
    while queues:
        # mostly one after the other, sometimes in between
        turn = random.randrange(len(queues)) if random.random() < 0.1 else 0
        channel, arb_id, extended, data = queues[turn].pop(0)
        queues = [queue for queue in queues if queue]
        time += random.choice(PAUSES) * MS if random.random() < 0.05 else MS
        fate = random.random() / loss if loss else 9
        if fate < 0.3:
            continue
        if 0.3 <= fate < 0.5:
            data = data[: random.randrange(len(data) + 1)]
        if 0.5 <= fate < 0.6:
            data = bytes([data[0] ^ 1 << random.randrange(8), *data[1:]]) if data else data
        copies = 2 if 0.6 <= fate < 1 else 1
        woven += [Frame(time, arb_id, data, extended, channel)] * copies
    return woven


@pytest.mark.parametrize("protocol", list(PLANS))
@given(seed=SEEDS)
@settings(max_examples=200)
def test_any_recording_gives_what_one_frame_at_a_time_gives(protocol, seed):
    random = Random(seed)
    frames = recording(protocol, random)
    plan = PLANS[protocol]
    expected = oracle_of(protocol, frames)
    cuts = sorted(random.randint(0, len(frames)) for _ in range(3))
    for borders in ([], cuts):
        found, report = [], Report()
        before = last = None
        for start, end in zip([0, *borders], [*borders, len(frames)], strict=True):
            last = reassemble(table(frames[start:end]), plan, before)
            before = last.open
            found += frames_of(last.table)
            report += last.report
        report += last.unfinished()
        assert found == expected.out
        assert report.transfers == {
            f"{protocol} {how}": count for how, count in expected.transfers.items() if count
        }
        assert report.skipped_by == {
            reason: count
            for reason, count in (
                (f"{protocol} segment", expected.segments),
                (f"{protocol} segment without a transfer", expected.strays),
            )
            if count
        }
        assert report.rows + len(found) == len(frames)
        assert report.adds_up()


def oracle_of(protocol, frames):
    """The oracle, with frames on other ids left alone."""
    oracle = Oracle(protocol)
    for frame in frames:
        oracle.latest = max(oracle.latest, frame.time)
        if (protocol == "isotp" and frame.arb_id == 0x123) or frame.arb_id == 0x0DF11903:
            oracle.out.append(frame)
        else:
            oracle.feed([frame])
    for transfer in oracle.streams.values():
        oracle.segments += transfer.used
    return oracle.finish()


@pytest.mark.parametrize("protocol", list(PLANS))
@given(seed=SEEDS)
@settings(max_examples=60)
def test_whatever_is_sent_whole_arrives_whole(protocol, seed):
    """Payloads of every length on four senders at once: all of them come back, and nothing else."""
    random = Random(seed)
    sent, queues = Counter(), []
    for sender in range(4):
        queue = []
        for _ in range(random.randint(1, 3)):
            payload = random.randbytes(random.randint(9, 223))
            if protocol == "isotp":
                arb_id = 0x7EC
                own = [(arb_id, sender > 1, part) for part in isotp(payload)]
                key = (arb_id, bytes([len(payload)]) + payload)
            elif protocol == "fastpacket":
                arb_id = 0x0DF80500 | sender
                own = [(arb_id, True, part) for part in fastpacket(payload, len(queue) % 8)]
                key = (arb_id, payload)
            else:
                to = None if sender % 2 else 0x33
                own = [(arb, True, part) for arb, part in j1939(payload, 0xFECA, sender, to)]
                key = (0x18FECA00 | sender, payload)
            queue += own
            sent[*key, f"can{sender % 2}"] += 1
        queues.append([(f"can{sender % 2}", *frame) for frame in queue])
    frames = []
    while any(queues):
        queues = [queue for queue in queues if queue]
        channel, arb_id, extended, part = random.choice(queues).pop(0)
        frames.append(Frame(10**18 + len(frames) * MS, arb_id, part, extended, channel))
    found = reassemble(table(frames), PLANS[protocol])
    long = Counter(
        (frame.arb_id, frame.data, frame.channel) for frame in frames_of(found.table) if len(frame.data) > 8
    )
    assert long == sent
    assert found.report.transfers == {f"{protocol} complete": sent.total()}
    assert found.opened == {}


@pytest.mark.parametrize("protocol", list(PLANS))
@given(seed=SEEDS)
@settings(max_examples=60)
def test_the_order_of_rows_does_not_matter_where_times_differ(protocol, seed):
    random = Random(seed)
    frames = recording(protocol, random)
    frames = [replace(frame, time=frame.time + number) for number, frame in enumerate(frames)]
    shuffled = random.sample(frames, len(frames))
    plain, mixed = reassemble(table(frames), PLANS[protocol]), reassemble(table(shuffled), PLANS[protocol])
    key = lambda frame: (frame.time, frame.arb_id)  # noqa: E731  one place, one line
    assert sorted(frames_of(mixed.table), key=key) == sorted(frames_of(plain.table), key=key)
    assert mixed.report == plain.report
    assert mixed.opened == plain.opened
