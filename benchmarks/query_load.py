"""A server under load: what its clients see, what each kind of question costs it, and what it holds at most."""

from itertools import chain, count, cycle
from typing import Final

from benchmarks.measure import Line, Result
from benchmarks.query_lake import Built
from benchmarks.query_questions import questions
from benchmarks.query_server import Load, Request, at_once, body_of, serving, sustained
from telemetry_pipeline.lake.store import Store

_SCREEN_POINTS: Final = 1_000
"""About what a chart has columns of pixels: what a dashboard asks for."""
_CLIENTS: Final = 50
_RATE: Final = 100
_TARGET_P95_MS: Final = 1_000
_TARGET_MB: Final = 500
_TARGET_HEALTH_MS: Final = 50
_EACH: Final = 30


def load(store: Store, built: Built, seconds: int) -> Result:
    """A server process under load."""
    result = Result(
        "server under load",
        f"`telemetry serve`, one process, its clients on the same machine. The questions of the table above in turn, of "
        f"{_SCREEN_POINTS:,} points a signal: from the same moments on, or each a second later than the one before.",
    )
    asked = questions(built.days, year=built.year)

    def shifted(seconds: int) -> list[Request]:
        return [body_of(question, _SCREEN_POINTS, seconds) for question in asked]

    with serving(store.url) as server:
        result.lines.append(Line("the first client", _spread(at_once(server, [shifted(0)]))))
        once = at_once(server, [shifted(number) for number in range(1, _CLIENTS + 1)])
        p95 = once.quantile_ms(0.95)
        result.lines.append(
            Line(
                f"{_CLIENTS} clients at once, {len(once.took_s)} requests, no two alike",
                _spread(once),
                f"{len(once.took_s) / once.seconds:.0f} requests/s",
                target=f"p95 ≤ {_TARGET_P95_MS:,} ms",
                met=p95 <= _TARGET_P95_MS and not once.errors,
            )
        )
        alike = sustained(server, cycle(shifted(0)), _RATE, seconds)
        result.lines.append(_minute(alike, seconds, "the same again and again"))
        unlike = chain.from_iterable(map(shifted, count(_CLIENTS + 1)))
        minute = sustained(server, unlike, _RATE, seconds)
        result.lines.append(_minute(minute, seconds, "no two alike"))
        result.lines += [
            _kind(question.text, at_once(server, [bodies]))
            for question in asked
            # from some seconds before all others: nobody has asked them yet
            for bodies in [[body_of(question, _SCREEN_POINTS, -number - 1) for number in range(_EACH)]]
        ]
        result.lines += [
            _health(f"/health, {what}", found)
            for what, found in (("50 clients at once", once), ("the same", alike), ("no two alike", minute))
        ]
        result.lines.append(
            Line(
                "peak memory of the server, over all of it",
                f"{server.peak_mb:.0f} MB",
                target=f"≤ {_TARGET_MB} MB",
                met=server.peak_mb <= _TARGET_MB,
            )
        )
        result.notes += sorted({*once.errors, *alike.errors, *minute.errors})[:5]
    return result


def _minute(load: Load, seconds: int, what: str) -> Line:
    return Line(
        f"{_RATE} requests/s for {seconds} s, {what}, {len(load.errors)} errors",
        _spread(load),
        f"{len(load.took_s) / load.seconds:.0f} requests/s, {1000 * load.server_cpu_s / len(load.took_s):.1f} CPU ms each",
        target="no error",
        met=not load.errors and load.seconds < 1.05 * seconds,
    )


def _kind(text: str, load: Load) -> Line:
    cpu = 1000 * load.server_cpu_s / max(len(load.took_s), 1)
    return Line(f"one client, {_EACH} times: {text}", _spread(load), f"{cpu:.1f} CPU ms each")


def _health(text: str, load: Load) -> Line:
    p95 = load.health_ms(0.95)
    took = f"p50 {load.health_ms(0.5):.0f} ms, p95 {p95:.0f} ms, most {load.health_ms(1):.0f} ms"
    met = p95 <= _TARGET_HEALTH_MS
    return Line(text, took, f"{len(load.health_s)} times", target=f"p95 ≤ {_TARGET_HEALTH_MS} ms", met=met)


def _spread(found: Load) -> str:
    quantiles = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return ", ".join(f"{name} {found.quantile_ms(share):.0f} ms" for name, share in quantiles.items())
