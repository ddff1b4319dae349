"""Who looks at the lake during a soak: what the dashboard asks, from several callers at once, and every answer counted."""

import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from contextlib import suppress
from typing import Any, Final

from benchmarks.soak_town import Town

CALLERS: Final = 3
_PAUSE_S: Final = 0.5
_PATIENCE_S: Final = 60.0
_SIGNALS: Final = ("MotorCtrl_Status.Motor_RPM", "BMS_PackStatus.Pack_SOC", "MotorCtrl_Thermal.Stator_Temp")


class Clients:
    """Ask for as long as the block runs.

    Args:
        town: Whom.

    Attributes:
        answers: How many answers of each status; "away" where there was none.
        failures: Answers that should not be, as (when, what): any 5xx but 503.
        took_s: How long each good answer took.
    """

    def __init__(self, town: Town) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[tuple[float, str]] = []
        self.took_s: list[float] = []
        self._town = town
        self._listed: frozenset[str] = frozenset()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._look, args=(number,), daemon=True) for number in range(CALLERS)
        ]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _look(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self._over.wait(_PAUSE_S):
            listed = [name for name in self._town.vehicles if name in self._listed]
            if not listed:  # a page asks nothing of a vehicle that is not in its list
                self._ask("/vehicles")
                continue
            vehicle = chance.choice(listed)
            now = time.time()
            range_ = {
                "signals": ",".join(chance.sample(_SIGNALS, 2)),
                "start": _instant(now - chance.choice([60, 600, 3600])),
                "end": _instant(now),
                "max_points": "1000",
                "method": "minmaxlttb",
                "include": "stats",
            }
            self._ask(
                chance.choice(
                    [
                        "/health",
                        "/vehicles",
                        "/fleet/health",
                        f"/vehicles/{vehicle}/sessions",
                        f"/vehicles/{vehicle}/messages",
                        *[f"/vehicles/{vehicle}/query?{urllib.parse.urlencode(range_)}"] * 4,
                    ]
                )
            )

    def _ask(self, path: str) -> None:
        headers = self._town.issuer.headers()
        request = urllib.request.Request(f"{self._town.api}{path}", headers=headers)
        begun = time.monotonic()
        status, body = "away", b""
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
                status, body = str(answer.status), answer.read()
        except urllib.error.HTTPError as error:
            status = str(error.code)
            with suppress(OSError, http.client.HTTPException):
                body = error.read()
        except (OSError, http.client.HTTPException):
            pass  # it is being started again
        with self._lock:
            self.answers[status] += 1
            if status == "200":
                self.took_s.append(time.monotonic() - begun)
                if path == "/vehicles":
                    self._listed = frozenset(each["vehicle_id"] for each in json.loads(body))
            elif status.startswith("5") and status != "503":
                self.failures.append((begun, f"{status} {path}: {_detail(body)}"))


def _detail(body: bytes) -> str:
    try:
        problem: Any = json.loads(body)
        return str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        return body[:200].decode(errors="replace")


def _instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
