"""A vehicle for as long as the check takes: a thing, a certificate, and the keys that AWS gives for it.

What it is made of is kept, so that it can be taken away whatever happened in between.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_agent.iot import Identity, IotCredentials
from telemetry_pipeline.smoke.step import Failed


@dataclass
class Vehicle:
    """The identity.

    Attributes:
        iot: The client of AWS IoT.
        vehicle_id: The thing's name, which is the vehicle's id.
        folder: Where the certificate and its key lie meanwhile.
        endpoint: The host of credentials; None asks AWS IoT for it.
        ca: Who signs for that host (PEM), if not one whom the system trusts.
    """

    iot: Any
    vehicle_id: str
    folder: Path
    endpoint: str | None = None
    ca: Path | None = None
    _undo: list[Callable[[], Any]] = field(default_factory=list)

    def make(self, policy: str, role_alias: str) -> Callable[[], Mapping[str, Any]]:
        """Make the thing and its certificate; what gives its keys.

        Raises:
            Failed: There is a thing of that name: it is somebody's vehicle.
        """
        iot, name = self.iot, self.vehicle_id
        if name in {thing["thingName"] for thing in _things(iot, name)}:
            raise Failed(
                "there is a thing of that name", name, "Name a vehicle that does not exist: --vehicle"
            )
        iot.create_thing(thingName=name)
        self._undo.append(lambda: iot.delete_thing(thingName=name))
        made = iot.create_keys_and_certificate(setAsActive=True)
        number, arn = made["certificateId"], made["certificateArn"]
        self._undo.append(lambda: iot.delete_certificate(certificateId=number, forceDelete=True))
        self._undo.append(lambda: iot.update_certificate(certificateId=number, newStatus="INACTIVE"))
        iot.attach_policy(policyName=policy, target=arn)
        self._undo.append(lambda: iot.detach_policy(policyName=policy, target=arn))
        iot.attach_thing_principal(thingName=name, principal=arn)
        self._undo.append(lambda: iot.detach_thing_principal(thingName=name, principal=arn))
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        certificate.write_text(made["certificatePem"])
        key.touch(mode=0o600)
        key.write_text(made["keyPair"]["PrivateKey"])
        host = (
            self.endpoint or iot.describe_endpoint(endpointType="iot:CredentialProvider")["endpointAddress"]
        )
        return IotCredentials(Identity(host, role_alias, name, certificate, key, self.ca))

    def remove(self) -> int:
        """Take away what was made, the last first; how many things that were."""
        done = 0
        while self._undo:
            self._undo[-1]()
            self._undo.pop()
            done += 1
        return done


def _things(iot: Any, name: str) -> list[dict[str, Any]]:  # noqa: ANN401  a client, made at run time
    try:
        return [iot.describe_thing(thingName=name)]
    except iot.exceptions.ResourceNotFoundException:
        return []
