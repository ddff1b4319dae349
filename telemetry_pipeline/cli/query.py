"""`telemetry query`: samples of signals, on screen or in a file."""

import sys
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from telemetry_pipeline.cli.console import emit, open_lake, settings
from telemetry_pipeline.cli.files import writing
from telemetry_pipeline.errors import BadQuery, BadSetting
from telemetry_pipeline.lake.instant import format_instant, parse_instant

if TYPE_CHECKING:
    import polars as pl

    from api.downsample import Method
    from api.query import Drawn, Question, Result

SHOWN_ROWS: Final = 20


class Output(StrEnum):
    """How samples are written."""

    TABLE = "table"
    CSV = "csv"
    PARQUET = "parquet"
    PNG = "png"
    MF4 = "mf4"


def query(
    *,
    vehicle: Annotated[str, typer.Argument(help="Vehicle id.")],
    signals: Annotated[list[str], typer.Argument(help="Message.Signal, one or more.")],
    start: Annotated[str, typer.Option(help="First instant, ISO 8601 with a zone.")],
    end: Annotated[str, typer.Option(help="First instant no longer wanted.")],
    max_points: Annotated[
        int | None,
        typer.Option(
            min=10,
            help="Down-sample each signal to so many points (LTTB); default: every sample, 4,000 in a PNG.",
        ),
    ] = None,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="How to write the samples.")
    ] = Output.TABLE,
    out: Annotated[Path | None, typer.Option(help="File to write to; default: stdout.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """Read samples of signals in [START, END) from the lake: every one, unless --max-points says otherwise."""
    from api.encode import to_json  # noqa: PLC0415  polars and the down-sampler are slow to import
    from api.query import Question, ask  # noqa: PLC0415
    from telemetry_pipeline.query.open import open_reader  # noqa: PLC0415

    start_ns, end_ns = parse_instant(start), parse_instant(end)
    if end_ns <= start_ns:
        raise BadQuery("the end is not after the start", remedy="Ask for a range that has a length")
    if out is None and (
        output is Output.MF4 or (output in (Output.PARQUET, Output.PNG) and _binary_would_show())
    ):
        raise BadSetting(f"{output} wants a file", "--out", f"Add --out FILE.{output}")
    picture = output is Output.PNG and not as_json
    method: Method
    if picture and max_points is None:
        from telemetry_pipeline.cli.picture import POINTS  # noqa: PLC0415  the drawing library is slow to import

        max_points, method = POINTS, "minmaxlttb"  # a picture has so many columns, and must not lose a spike
    else:
        method = "raw" if max_points is None else "lttb"
    question = Question(
        vehicle,
        [_signal_name(text) for text in signals],
        start_ns,
        end_ns,
        max_points or 0,
        method,
        ("gaps",) if picture else (),
    )
    # a file or a pipe takes whatever the reader reads; its own limit still holds
    result = ask(open_reader(open_lake(), settings()), question, max_answer_points=sys.maxsize)
    if as_json:
        sys.stdout.buffer.write(to_json(result) + b"\n")
    elif output is Output.TABLE and out is None:
        _print(Console(highlight=False), result)
    elif out is None:
        sys.stdout.buffer.write(_body(question, result, output))
    else:
        with writing(out):
            if output is Output.MF4:
                _write_mf4(result, vehicle, out)
            else:
                out.write_bytes(_body(question, result, output))
        written: dict[str, Any] = {
            "file": str(out),
            "rows": sum(len(drawn.t) for drawn in result.series),
            "bytes": out.stat().st_size,
        }
        emit(
            written,
            as_json=False,
            lines=lambda console: console.print(
                f"{written['rows']:,} samples in {written['file']} ({written['bytes']:,} bytes)"
            ),
        )


def _binary_would_show() -> bool:
    return sys.stdout.isatty()


def _body(question: "Question", result: "Result", output: Output) -> bytes:
    if output is not Output.PNG:
        return _encoded(_frame(result), output)
    from telemetry_pipeline.cli.picture import to_png  # noqa: PLC0415  the drawing library is slow to import

    return to_png(question, result)


def _write_mf4(result: "Result", vehicle_id: str, out: Path) -> None:
    try:
        from telemetry_pipeline.cli.measurement import write_mf4  # noqa: PLC0415  not every machine has its library
    except ImportError as error:
        raise BadSetting(
            f"MF4 is written by a library that is missing ({error.name})",
            "--output",
            "pip install 'can-telemetry[pipeline]'",
        ) from error
    write_mf4(result, vehicle_id, out)


def _signal_name(text: str) -> tuple[str, str]:
    message, dot, signal = text.partition(".")
    if not (message and dot and signal):
        raise BadSetting(f"{text!r} is not a signal", remedy="Write Message.Signal")
    return message, signal


def _frame(result: "Result") -> "pl.DataFrame":
    """All samples in one frame, in the columns of a decoded object that matter to a reader."""
    import polars as pl  # noqa: PLC0415

    return pl.concat(
        [
            pl.DataFrame({"timestamp": pl.Series(drawn.t).cast(pl.Datetime("ns")), "value": drawn.v}).select(
                "timestamp",
                pl.lit(drawn.source.message).alias("message_name"),
                pl.lit(drawn.source.signal).alias("signal_name"),
                "value",
                pl.lit(drawn.source.unit).alias("unit"),
            )
            for drawn in result.series
        ]
    )


def _encoded(frame: "pl.DataFrame", output: Output) -> bytes:
    sink = BytesIO()
    if output is Output.PARQUET:
        frame.write_parquet(sink)
    else:
        frame.write_csv(sink, datetime_format="%Y-%m-%dT%H:%M:%S%.9fZ")
    return sink.getvalue()


def _print(console: Console, result: "Result") -> None:
    for drawn in result.series:
        source = drawn.source
        shown = f", the first {SHOWN_ROWS} shown" if len(drawn.t) > SHOWN_ROWS else ""
        total = f"{len(drawn.t):,} of {source.points:,} samples{shown}"
        console.print(f"{source.message}.{source.signal}: {total}", soft_wrap=True)
        console.print(_table(drawn))
    console.print(
        f"{result.rows_scanned:,} rows and {result.bytes_scanned:,} bytes read in {result.duration_ns / 1e6:.1f} ms"
    )
    if result.skipped_objects:
        console.print(f"{result.skipped_objects} objects could not be read and are missing here")


def _table(drawn: "Drawn") -> Table:
    unit = drawn.source.unit
    table = Table()
    table.add_column("time (UTC)")
    table.add_column(f"value ({unit})" if unit else "value", justify="right")
    for t, v in zip(drawn.t[:SHOWN_ROWS].tolist(), drawn.v[:SHOWN_ROWS].tolist(), strict=True):
        table.add_row(format_instant(t), f"{v:.9g}")
    return table
