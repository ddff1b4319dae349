"""Where a run's raw objects are decoded: in its own process, or sent to AWS Lambda, Spark or AWS Glue.

One setting decides, and one decoder decodes an object; all give the same outcomes, so that tallies, events and
checks are the same. How messages come back is `lake_messages`' business.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any, Final

import dagster as dg

from telemetry_pipeline import pipes
from telemetry_pipeline.decoder_pool import DecoderPool
from telemetry_pipeline.defs.lake_messages import LakeContextInjector, LakeMessageReader, without_outputs
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.drain import Decoder
from telemetry_pipeline.errors import PermanentError, TelemetryError, TransientError, Unforeseen
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Outcome
from telemetry_pipeline.settings import Settings

INVOCATION: Final = 200
"""Raw objects of one invocation: seconds of work, and a payload of some 20 KB where 6 MB are allowed."""

AT_ONCE: Final = 16
"""Invocations at once; the account's own limit of concurrent functions is a thousand by default."""

_LONGEST_S: Final = 900
"""As long as a function may run at all."""


@contextmanager
def open_decoder(
    context: dg.AssetExecutionContext, lake: LakeResource, *, processes: int | None = None
) -> Iterator[Decoder]:
    """The decoder that the settings name, for one run.

    Args:
        context: The run's.
        lake: The lake, and the name of the decoder (`Settings.decoder`).
        processes: How many processes decode where the run decodes itself; default: as many as there are cores.
    """
    where, _, name = lake.decoder.partition(":")
    store = lake.store()
    if where == "lambda":
        yield DecoderOnLambda(context, store, name)
    elif where == "glue":
        yield DecoderOnSpark(context, store, _on_glue(lake, name))
    elif where == "spark":
        yield DecoderOnSpark(context, store, _on_this_machine(lake))
    else:
        with DecoderPool(
            store, endpoint_url=lake.endpoint_url, strict_length=lake.strict_length, processes=processes
        ) as pool:
            yield pool


class DecoderOnLambda:
    """Decodes by invoking a function, many at a time.

    A function that dies (memory, time) is sent its untold objects again in halves, until the one that kills it is
    found: that one is a fault to report, all others are decoded.

    Args:
        context: The run's.
        store: The lake.
        function: The function's name or ARN; it decodes the same lake.
        client: What invokes; default: boto3's.
    """

    batch = INVOCATION * AT_ONCE

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        store: Store,
        function: str,
        client: Any = None,  # noqa: ANN401  boto3 has no types
    ) -> None:
        self._context = context
        self._store = store
        self._function = function
        self._client = client or _lambda_client()

    def decode(self, raws: Sequence[RawObject]) -> Iterable[Outcome]:
        """Decode raw objects; a vehicle's stay together and in order, for transfers cross their borders."""
        ordered = sorted(raws)
        batches = [ordered[start : start + INVOCATION] for start in range(0, len(ordered), INVOCATION)]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="invocation") as pool:
            begun = [pool.submit(self._decode_batch, batch) for batch in batches]
            try:
                for future in as_completed(begun):
                    yield from future.result()
            finally:  # a run that is ended begins nothing more
                for future in begun:
                    future.cancel()

    def _decode_batch(self, raws: list[RawObject]) -> list[Outcome]:
        done: list[Outcome] = []
        deaths: Counter[RawObject] = Counter()
        waiting = [raws]
        while waiting:
            batch = waiting.pop()
            outcomes, fault = self._invoke(batch)
            done += outcomes
            told = {outcome.raw for outcome in outcomes}
            rest = [raw for raw in batch if raw not in told]
            if not rest:
                continue
            if fault is None and told:  # its time was up
                waiting.append(rest)
            elif not isinstance(fault, _Died):
                fault = fault or TransientError("the function told nothing", self._function)
                done += [Outcome(raw, failed=fault) for raw in rest]
            elif len(rest) > 1:
                waiting += [rest[: len(rest) // 2], rest[len(rest) // 2 :]]
            elif not deaths[rest[0]]:  # once may be an accident
                deaths[rest[0]] += 1
                waiting.append(rest)
            else:
                done.append(Outcome(rest[0], failed=Unforeseen(fault.what, rest[0].key, fault.remedy)))
        return done

    def _invoke(self, raws: Sequence[RawObject]) -> tuple[list[Outcome], TelemetryError | None]:
        """What a function told of, and why it told no more."""
        from botocore.exceptions import (  # type: ignore[import-untyped]  # noqa: PLC0415
            BotoCoreError,
            ClientError,
        )
        from dagster_aws.pipes import PipesLambdaClient  # noqa: PLC0415  a second of import, for this decoder alone

        reader = LakeMessageReader(self._store, self._context.run_id)
        client = PipesLambdaClient(client=self._client, message_reader=reader)
        fault: TelemetryError | None = None
        try:
            client.run(
                function_name=self._function,
                event={pipes.RAW_KEYS: [raw.key for raw in raws]},
                context=without_outputs(self._context),
            )
        except ClientError as error:
            fault = _refusal(error.response["Error"]["Code"], str(error), self._function)
        except (BotoCoreError, TelemetryError) as error:
            fault = TransientError(f"the function could not be reached ({error})", self._function)
        except Exception as error:  # the client has no class of its own for a function that fails
            said = " ".join(str(error).split())[:400]
            if reader.closed:
                fault = TransientError(f"the function failed ({said})", self._function)
            elif reader.opened:
                fault = _Died(
                    f"the function died on it ({said})", self._function, "Give it more memory or time"
                )
            else:
                fault = PermanentError(
                    f"the function could not begin ({said})", self._function, "See its log and its settings"
                )
        return _of(raws, reader), fault


class _Died(Unforeseen):
    """A function's process was killed while it decoded."""


class DecoderOnSpark:
    """Decodes by a Spark job, of this machine or of AWS Glue; a job takes as much as waits.

    Args:
        context: The run's.
        store: The lake.
        run_job: Runs the job to its end in a Pipes session, given the context, the session's two ends and its extras.
    """

    batch = 20_000

    def __init__(self, context: dg.AssetExecutionContext, store: Store, run_job: "RunJob") -> None:
        self._context = context
        self._store = store
        self._run_job = run_job

    def decode(self, raws: Sequence[RawObject]) -> Iterable[Outcome]:
        """Decode raw objects by one job; what it did not tell of stays pending."""
        if not raws:
            return
        reader = LakeMessageReader(self._store, self._context.run_id)
        injector = LakeContextInjector(self._store, self._context.run_id)
        extras = {pipes.RAW_KEYS: [raw.key for raw in raws]}
        said = "it told nothing of it"
        try:
            self._run_job(without_outputs(self._context), injector, reader, extras)
        except Exception as error:  # whatever the job's client raises: the objects are pending all the same
            said = " ".join(str(error).split())[:400]
        outcomes = _of(raws, reader)
        yield from outcomes
        told = {outcome.raw for outcome in outcomes}
        fault = TransientError(f"the Spark job ended without it ({said})", "Spark", "See the job's log")
        yield from (Outcome(raw, failed=fault) for raw in raws if raw not in told)


RunJob = Callable[
    [dg.AssetExecutionContext, dg.PipesContextInjector, dg.PipesMessageReader, dict[str, Any]], object
]


def _on_this_machine(lake: LakeResource) -> RunJob:
    def run_job(
        context: dg.AssetExecutionContext,
        injector: dg.PipesContextInjector,
        reader: dg.PipesMessageReader,
        extras: dict[str, Any],
    ) -> object:
        settings = Settings(lake.url, endpoint_url=lake.endpoint_url, strict_length=lake.strict_length)
        client = dg.PipesSubprocessClient(
            env=settings.to_env(), context_injector=injector, message_reader=reader
        )
        command = [sys.executable, "-m", "telemetry_pipeline.spark_job"]
        return client.run(context=context, command=command, extras=extras)

    return run_job


def _on_glue(lake: LakeResource, job: str) -> RunJob:
    def run_job(
        context: dg.AssetExecutionContext,
        injector: dg.PipesContextInjector,
        reader: dg.PipesMessageReader,
        extras: dict[str, Any],
    ) -> object:
        from dagster_aws.pipes import PipesGlueClient  # noqa: PLC0415  a second of import, for this decoder alone

        glue = PipesGlueClient(context_injector=injector, message_reader=reader)
        params: Any = {"JobName": job, "Arguments": {"--lake": lake.url}}
        return glue.run(context=context, start_job_run_params=params, extras=extras)

    return run_job


def _of(raws: Sequence[RawObject], reader: LakeMessageReader) -> list[Outcome]:
    """What was told of these objects, each once."""
    asked = set(raws)
    return list({outcome.raw: outcome for outcome in reader.outcomes if outcome.raw in asked}.values())


def _refusal(code: str, said: str, function: str) -> TelemetryError:
    if code in ("AccessDeniedException", "ResourceNotFoundException", "InvalidParameterValueException"):
        return PermanentError(
            f"the function cannot be invoked ({said})", function, "Check TELEMETRY_DECODER and the run's role"
        )
    return TransientError(f"the function cannot be invoked now ({said})", function)


def _lambda_client() -> Any:  # noqa: ANN401  boto3 has no types
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  only this decoder needs it
    from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415

    # a client that stops listening sooner than the function works would invoke it twice
    config = Config(
        read_timeout=_LONGEST_S + 10,
        max_pool_connections=AT_ONCE,
        retries={"mode": "standard"},
        tcp_keepalive=True,
    )
    return boto3.client("lambda", config=config)
