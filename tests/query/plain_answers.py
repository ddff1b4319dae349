"""What the query service should answer, worked out the plain way: every decoded row, Polars and loops, no index."""

import math
from typing import NamedTuple

import numpy as np
import polars as pl

from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject

S = 1_000_000_000
RHYTHM = 600 * S
PAUSE = 300 * S


def all_rows(store, vehicle_id):
    """Every decoded row of a vehicle, and the day of the object that it lies in."""
    frames = []
    for info in store.list_objects(layout.vehicle_prefix(layout.DECODED, vehicle_id)):
        frame = pl.read_parquet(
            store.get(info.key), columns=["timestamp", "message_name", "signal_name", "value"]
        )
        day = DecodedObject.parse(info.key).partition.start_ns
        frames.append(
            frame.select(
                pl.col("timestamp").cast(pl.Int64).alias("t"),
                pl.col("message_name").cast(pl.String),
                pl.col("signal_name").cast(pl.String),
                pl.col("value").alias("v"),
                pl.lit(day).alias("day"),
            )
        )
    return pl.concat(frames)


def samples(rows, name, start, end):
    """One signal in [start, end), as far as objects of the days of the range hold it."""
    found = rows.filter(
        (pl.col("message_name") == name[0])
        & (pl.col("signal_name") == name[1])
        & pl.col("t").is_between(start, end, closed="left")
        & (pl.col("day") < end)
        & (pl.col("day") + DAY_NS > start)
    ).sort("t", maintain_order=True)
    return found["t"].to_numpy(), found["v"].to_numpy()


def recorded(rows, start, end):
    """Stretches in which anything was recorded, pauses above five minutes between them."""
    inside = rows.filter(
        (pl.col("t") >= pl.col("day"))
        & (pl.col("t") < pl.col("day") + DAY_NS)
        & (pl.col("day") < end)
        & (pl.col("day") + DAY_NS > start)
    )
    stretches = []
    for t in inside["t"].unique().sort().to_list():
        if stretches and t - stretches[-1][1] <= PAUSE:
            stretches[-1][1] = t
        else:
            stretches.append([t, t])
    return [(max(a, start), min(b, end - 1)) for a, b in stretches if b >= start and a < end]


def statistics(t, v):
    finite = [
        (time, value) for time, value in zip(t.tolist(), v.tolist(), strict=True) if math.isfinite(value)
    ]
    values = [value for _, value in finite]
    found = {"count": len(finite), "nulls": len(t) - len(finite)}
    found |= dict.fromkeys(
        ("min", "max", "mean", "std", "t_min", "t_max", "first", "last", "t_first", "t_last")
    )
    if len(t):
        ends = [value if math.isfinite(value) else None for value in (v[0], v[-1])]
        found |= {"first": ends[0], "last": ends[1], "t_first": int(t[0]), "t_last": int(t[-1])}
    if finite:
        mean = math.fsum(values) / len(values)
        low, high = min(values), max(values)
        found |= {
            "min": low,
            "max": high,
            "mean": mean,
            "std": math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values)),
            "t_min": next(time for time, value in finite if value == low),
            "t_max": next(time for time, value in finite if value == high),
        }
    return found


def gaps(t, stretches):
    """The gaps of a series as pairs of times."""
    pairs = list(zip(t[:-1].tolist(), t[1:].tolist(), strict=True))
    if (limit := _limit(t)) is not None:
        return [pair for pair in pairs if pair[1] - pair[0] > limit]
    begins = {int(np.searchsorted(t, begin)) for begin, _ in stretches[1:]}
    return [pairs[after - 1] for after in sorted(begins) if 0 < after < len(t)]


def _limit(t):
    intervals = np.diff(t[_rhythm(t)])
    if len(intervals) < 8:
        return None
    median = np.median(intervals)
    if median <= 0 or np.mean(intervals <= 3 * median) < 0.95:
        return None
    return max(5 * median, 0.2 * S)


def _rhythm(t):
    """The samples from the middle one, the busiest ten minutes being last, until there are 1,000."""
    if len(t) <= 1000:
        return slice(None)
    buckets = pl.DataFrame({"b": t // RHYTHM}).group_by("b").len().sort("b")
    counts, order = buckets["len"].to_list(), buckets["len"].arg_sort().to_list()
    order = sorted(range(len(counts)), key=lambda row: (counts[row], row))
    seen = 0
    for middle in order:
        seen += counts[middle]
        if 2 * seen >= len(t):
            break
    first, stop = middle, middle
    while stop < len(counts) and sum(counts[first:stop]) < 1000:
        stop += 1
    while sum(counts[first:stop]) < 1000:
        first -= 1
    return slice(sum(counts[:first]), sum(counts[:stop]))


def _parts(t, width):
    """Indices of the samples of each bucket that has any."""
    buckets = t // width
    return np.split(np.arange(len(t)), np.flatnonzero(np.diff(buckets)) + 1)


class Points(NamedTuple):
    t: list
    v: list
    of_row: list


def m4(t, v, width):
    """First, smallest, largest and last sample of each bucket, each once, in order of time."""
    found = Points([], [], [])
    for inside in _parts(t, width):
        finite = inside[np.isfinite(v[inside])]
        chosen = {inside[0], inside[-1]}
        if len(finite):
            chosen |= {finite[np.argmin(v[finite])], finite[np.argmax(v[finite])]}
        points = dict.fromkeys((t[at].item(), np.float64(v[at]).tobytes()) for at in sorted(chosen))
        found.t.extend(time for time, _ in points)
        found.v.extend(np.frombuffer(value)[0] for _, value in points)
        found.of_row.append(len(points))
    return found


def candidates(t, v, width, points):
    """What a tier knows, and where that is too little all samples of where the values move most."""
    known = m4(t, v, width)
    missing = points - len(known.t)
    if missing <= 0:
        return np.array(known.t), np.array(known.v)
    inside = _parts(t, width)
    gain = [len(part) - count for part, count in zip(inside, known.of_row, strict=True)]
    moves = []
    for part in inside:
        finite = v[part][np.isfinite(v[part])]
        moves.append(finite.max() - finite.min() if len(finite) else 0.0)
    best, chosen = -1.0, (0, 0)
    for first in range(len(inside)):
        last, gained = first, gain[first]
        while gained < missing and last + 1 < len(inside):
            last += 1
            gained += gain[last]
        moved = math.fsum(moves[first : last + 1])
        if gained >= missing and moved > best * (1 + 1e-9):
            best, chosen = moved, (first, last)
    first, last = chosen
    low, high = sum(known.of_row[:first]), sum(known.of_row[: last + 1])
    whole = np.concatenate(inside[first : last + 1])
    return (
        np.array([*known.t[:low], *t[whole], *known.t[high:]]),
        np.array([*known.v[:low], *v[whole], *known.v[high:]]),
    )


def lttb(t, v, points, edges):
    """Indices that LTTB keeps between gaps, and the first sample of each run of values that are none."""
    n = len(t)
    if n <= points:
        return list(range(n))
    finite = [at for at in range(n) if math.isfinite(v[at])]
    holes = [at for at in range(n) if not math.isfinite(v[at]) and (at == 0 or math.isfinite(v[at - 1]))]
    if len(holes) > points // 8:
        holes = []
    budget = points - len(holes)
    breaks = sorted({int(np.searchsorted(t, end)) for _, end in edges} & set(range(1, n)))
    if len(finite) <= budget:
        rest = [at for at in range(n) if not math.isfinite(v[at]) and at not in holes]
        return sorted([*finite, *holes, *rest[: budget - len(finite)]])
    cuts = {sum(at < place for at in finite) for place in [*breaks, *holes]} - {0, len(finite)}
    lengths = {cut: t[finite[cut]] - t[finite[cut - 1]] for cut in cuts}
    kept = sorted(sorted(cuts, key=lambda cut: (-lengths[cut], cut))[: budget // 8])
    stretches = [finite[a:b] for a, b in zip([0, *kept], [*kept, len(finite)], strict=True)]
    chosen = []
    for stretch, share in zip(stretches, _shares([len(part) for part in stretches], budget), strict=True):
        chosen += [stretch[at] for at in _triangles(t[stretch], v[stretch], share)]
    return sorted([*chosen, *holes])


def _shares(lengths, total):
    base = [min(length, 2) for length in lengths]
    spare = [length - least for length, least in zip(lengths, base, strict=True)]
    rest, whole = total - sum(base), max(sum(spare), 1)
    shares = [part * rest // whole for part in spare]
    order = sorted(range(len(spare)), key=lambda at: (-(spare[at] * rest % whole), at))
    for at in order[: rest - sum(shares)]:
        shares[at] += 1
    return [least + share for least, share in zip(base, shares, strict=True)]


def _triangles(t, v, points):
    """LTTB as it was published, with the middle of the next bucket's times in place of their mean."""
    if points >= len(t):
        return list(range(len(t)))
    if points <= 2:
        return [0, len(t) - 1][:points]
    x = (t - t[0]).astype(float)
    every = (len(x) - 2) / (points - 2)
    chosen, a = [0], 0
    for bucket in range(points - 2):
        begin, end = int(every * bucket) + 1, int(every * (bucket + 1)) + 1
        after = min(int(every * (bucket + 2)) + 1, len(x))
        mean_x, mean_y = (x[end] + x[after - 1]) / 2, np.mean(v[end:after])
        areas = np.abs((x[a] - mean_x) * (v[begin:end] - v[a]) - (x[a] - x[begin:end]) * (mean_y - v[a]))
        a = begin + int(np.argmax(areas))
        chosen.append(a)
    return [*chosen, len(x) - 1]
