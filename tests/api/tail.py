"""A live tail as a client has it: the events of one, read as they come."""

import json
import socket
import threading
from contextlib import suppress

import httpx

from tests.servers import wait_until

V = "EV_001"
RPM = "MotorCtrl_Status.Motor_RPM"


class Events:
    """The events of a tail, read in a thread of its own."""

    def __init__(self, url, *, last=None, signals=RPM, vehicle=V):
        self.events, self.ids, self.comments, self.end = [], [], 0, None
        headers = {"Last-Event-ID": last} if last else {}
        self._client = httpx.Client(trust_env=False, timeout=httpx.Timeout(10, read=120))
        request = self._client.build_request(
            "GET", f"{url}/vehicles/{vehicle}/live", params={"signals": signals}, headers=headers
        )
        self.response = self._client.send(request, stream=True)
        assert self.response.status_code == 200, self.response.read()
        assert self.response.headers["content-type"].startswith("text/event-stream")
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        kind, data, at = "message", None, None
        try:
            for line in self.response.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    data = json.loads(value)
                elif name == "id":
                    at = value
                elif line.startswith(":"):
                    self.comments += 1
                elif not line:
                    # an id counts with its whole event only, as in a browser: one that was cut off comes again
                    if data is not None:
                        self.events.append((kind, data))
                    if at is not None:
                        self.ids.append(at)
                    kind, data, at = "message", None, None
            self.end = "ended"
        except (httpx.HTTPError, httpx.StreamError, RuntimeError, OSError) as error:
            self.end = type(error).__name__

    def of(self, kind):
        return [data for name, data in self.events if name == kind]

    def points(self, signal="Motor_RPM"):
        return [
            (t, v)
            for data in self.of("points")
            for series in data["signals"]
            if series["name"] == signal
            for t, v in zip(series["t"], series["v"], strict=True)
        ]

    def wait(self, kind, count=1):
        wait_until(lambda: len(self.of(kind)) >= count, f"{count} {kind}, of {self.events}", pause=0.02)
        return self.of(kind)

    def close(self):
        with suppress(OSError):  # the thread waits for the next line
            self.response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._thread.join(60)
        self.response.close()
        self._client.close()
