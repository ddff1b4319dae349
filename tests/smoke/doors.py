"""What a deployment has that is neither moto's nor ours: the host of vehicles' credentials, a function, a page."""

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.edge_agent.credential_server import Authority, CredentialServer, given
from tests.servers import Answer, Asked, answering, serving

Clients = Callable[[str], Any]
"""A client of a service, by the service's name."""


class _KnowsCertificates(CredentialServer):
    """Knows whoever has a certificate of moto's, as AWS IoT knows whom it gave one."""

    def __init__(self, authority: Authority, client: Clients, give: Callable[[], dict[str, Any]]) -> None:
        super().__init__(authority, give)
        self._client = client
        self.context = self.socket.context  # type: ignore[attr-defined]
        self.context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN

    def get_request(self) -> Any:
        iot = self._client("iot")
        for found in iot.list_certificates()["certificates"]:
            described = iot.describe_certificate(certificateId=found["certificateId"])
            self.context.load_verify_locations(cadata=described["certificateDescription"]["certificatePem"])
        return super().get_request()


@contextmanager
def credentials(authority: Authority, client: Clients, edge: Mapping[str, str], thing: str) -> Iterator[str]:
    """AWS IoT's host of credentials, which gives a role's keys to a thing that has a certificate; its address."""

    def give() -> dict[str, Any]:
        assert client("iot").list_thing_principals(thingName=thing)["principals"], "nobody's certificate"
        return given(3600, edge["AccessKeyId"], edge["SecretAccessKey"], edge["SessionToken"])

    server = _KnowsCertificates(authority, client, give)
    with serving(server):
        yield server.endpoint


@contextmanager
def function(name: str, run: Callable[[], None], error: Callable[[], str | None]) -> Iterator[str]:
    """One function behind Lambda's Invoke, which fails while there is an error to tell; the address of Lambda."""

    def answer(asked: Asked) -> Answer:
        assert asked.path == f"/2015-03-31/functions/{name}/invocations", asked.path
        if told := error():
            body = json.dumps({"errorMessage": told}).encode()
            return Answer(body, headers={"X-Amz-Function-Error": "Unhandled"})
        run()
        return Answer(b"{}")

    with answering(answer) as url:
        yield url


@contextmanager
def site(headers: Mapping[str, str], client_id: str) -> Iterator[str]:
    """The dashboard's page as CloudFront would send it, with what the headers hold by then; its address."""

    def answer(asked: Asked) -> Answer:
        page = b"<!doctype html><title>x</title>"
        where = json.dumps({"client_id": client_id}).encode()
        return Answer(where if asked.path == "/auth-config" else page, headers=dict(headers))

    with answering(answer) as url:
        yield url
