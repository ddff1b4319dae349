"""Health as metrics of CloudWatch, from a thread of its own: nobody waits for a network, and what fails is counted.

Each metric costs money for each vehicle, so there are few: what an alarm is set on. All numbers are in Prometheus' file.
"""

import datetime as dt
import http.client
import logging
import re
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlencode, urlsplit

from edge_agent.health import Health
from edge_agent.signature import sign_form
from telemetry_pipeline.errors import BadSetting, PermanentError, TelemetryError, TransientError
from telemetry_pipeline.lake.bucket import CredentialProvider

log = logging.getLogger("edge_agent.cloudwatch")

Datum = dict[str, str]

TIMEOUT_S: Final = 20.0
KEPT_MOST: Final = 720
"""Snapshots that wait while nobody answers: half a day of one a minute."""

TAKEN_S: Final = (-14 * 86_400.0, 7_200.0)
"""CloudWatch takes what is dated from two weeks before until two hours after now."""

AT_ONCE: Final = 100
"""Snapshots of one request: below its 1000 values."""

_SAID: Final = re.compile(r"<(?:Code|Message)>([^<]*)<")


class CloudWatch:
    """Sends metrics, several snapshots with one request when several wait.

    Args:
        namespace: CloudWatch's name for them all.
        region: AWS's name of the region.
        find: Finds the credentials; called until it succeeds.
        endpoint_url: A server that stands in for AWS.
    """

    def __init__(
        self,
        namespace: str,
        region: str,
        find: Callable[[], CredentialProvider],
        endpoint_url: str | None = None,
    ) -> None:
        self.sent = 0
        """Snapshots that were taken."""
        self.failed = 0
        """Requests that were not."""
        self.forgotten = 0
        """Snapshots that had to go, since too many waited."""
        self._namespace = namespace
        self._region = region
        self._find = find
        self._credentials: CredentialProvider | None = None
        self._url = endpoint_url or f"https://monitoring.{region}.amazonaws.com"
        self._waiting: deque[tuple[float, list[Datum]]] = deque()
        """Snapshots, each with its time in seconds since the epoch."""
        self._before: Health | None = None
        self._is_failing = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cloudwatch", daemon=True)

    def try_once(self, vehicle_id: str, windows_waiting: int) -> None:
        """Send how many windows wait, now, and nothing else.

        Raises:
            BadSetting: The credentials may not, or there are none.
            TransientError: CloudWatch does not answer.
        """
        datum = _datum("QueueDepth", windows_waiting, "Count", vehicle_id, time.time())
        try:
            self._post(self._form([datum]))
        except _Refusal as error:
            raise BadSetting(
                f"metrics are refused ({error.what})",
                self._url,
                f"Allow cloudwatch:PutMetricData for the namespace {self._namespace} (docs/edge.md has the policy), or "
                "leave out cloudwatch_namespace",
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise TransientError(
                f"CloudWatch does not answer ({error})",
                self._url,
                "Compare the region, and let the vehicle reach that address (HTTPS)",
            ) from error

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, health: Health) -> None:
        """Take a snapshot; returns at once."""
        self._waiting.append((health.at_s, data_of(health, self._before)))
        self._before = health
        while len(self._waiting) > KEPT_MOST:
            self._waiting.popleft()
            self.forgotten += 1
        self._wake.set()

    def stop(self, grace_s: float) -> None:
        """Try once more to send what waits, for at most `grace_s` seconds."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(grace_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            while self._waiting and self._send(list(self._waiting)[:AT_ONCE]):
                pass

    def _send(self, batch: list[tuple[float, list[Datum]]]) -> bool:
        """Whether it was taken; the next snapshot is the next try."""
        try:
            self._post(self._form([datum for _, data in batch for datum in data]))
        except (TelemetryError, OSError, http.client.HTTPException) as error:
            self.failed += 1
            if isinstance(error, _Refusal) and "Timestamp" in error.what and self._forget_misdated():
                return True  # the others are tried at once
            if not self._is_failing:
                log.warning("metrics are not taken (%s); they are kept, and tried again", error)
            self._is_failing = True
            return False
        if self._is_failing:
            log.info("metrics are taken again")
        self._is_failing = False
        self.sent += len(batch)
        for one in batch:  # those that were forgotten meanwhile are not there any more
            if self._waiting and self._waiting[0] is one:
                self._waiting.popleft()
        return True

    def _forget_misdated(self) -> bool:
        """Let go of snapshots of before the clock was set, for which all others would be refused; whether there were any.

        That our signature was accepted says that the clock is right now.
        """
        now = time.time()
        misdated = [one for one in list(self._waiting) if not TAKEN_S[0] < one[0] - now < TAKEN_S[1]]
        for one in misdated:
            with suppress(ValueError):  # forgotten meanwhile, since too many waited
                self._waiting.remove(one)
                self.forgotten += 1
        return bool(misdated)

    def _form(self, data: Sequence[Datum]) -> bytes:
        form = {"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": self._namespace}
        for number, datum in enumerate(data, 1):
            form |= {f"MetricData.member.{number}.{name}": value for name, value in datum.items()}
        return urlencode(form).encode()

    def _post(self, body: bytes) -> None:
        if self._credentials is None:
            self._credentials = self._find()
        now = dt.datetime.now(dt.UTC)
        headers = sign_form(
            f"{self._url}/", body, self._credentials(), now, service="monitoring", region=self._region
        )
        parts = urlsplit(self._url)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.netloc, timeout=TIMEOUT_S, context=context
            )
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
        try:
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            said = answer.read(10_000)
        finally:
            connection.close()
        if answer.status != 200:
            text = said.decode(errors="replace")
            # of AWS's answers what is for people
            text = ": ".join(_SAID.findall(text)) or " ".join(text.split())
            raise _Refusal(f"{answer.status} {answer.reason}: {text[:300]}", self._url)


class _Refusal(PermanentError):
    """CloudWatch has answered, and does not take what it was sent."""


def data_of(health: Health, before: Health | None) -> list[Datum]:
    """The metrics of one snapshot, by the names of CloudWatch's request; counts are those since the snapshot before."""

    def since(count: Callable[[Health], int]) -> int:
        return max(0, count(health) - (count(before) if before else 0))

    values = {
        "UploadSuccess": (since(lambda one: one.landed), "Count"),
        "UploadFailure": (since(lambda one: one.upload_failures), "Count"),
        "QueueDepth": (health.windows_waiting, "Count"),
        "DiskUsagePercent": (round(100 * health.disk_used, 2), "Percent"),
        "FramesReceived": (since(lambda one: sum(channel.frames for channel in one.channels)), "Count"),
        "FramesLost": (since(_lost), "Count"),
    }
    return [
        _datum(name, value, unit, health.vehicle_id, health.at_s) for name, (value, unit) in values.items()
    ]


def _datum(name: str, value: float, unit: str, vehicle_id: str, at_s: float) -> Datum:
    return {
        "MetricName": name,
        "Value": repr(value),
        "Unit": unit,
        "Timestamp": dt.datetime.fromtimestamp(at_s, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Dimensions.member.1.Name": "VehicleId",
        "Dimensions.member.1.Value": vehicle_id,
    }


def _lost(health: Health) -> int:
    return health.lost_frames + sum(one.dropped + one.overflows for one in health.channels)
