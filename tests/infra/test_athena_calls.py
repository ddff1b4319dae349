"""The rows about asking Athena against the calls that a reader really sends: none without its row, and what the rest is for.

Calls are seen where botocore makes them; the double of Athena answers. What Athena itself does in its caller's name (reading
the catalogue and writing the result) is sent by no client: those actions are AWS's own list of what a SELECT needs.
"""

import pytest

from infra import permissions
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.query.athena.connect import open_athena
from telemetry_pipeline.query.athena.runner import Target
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.decoded_lake import put_decoded
from tests.doubles.athena.running import AthenaLake
from tests.infra.clients import Calls, calls_of_clients
from tests.query.athena.test_reader import EVE, SPEED, S, V

__all__ = ["calls_of_clients"]

pytestmark = pytest.mark.slow

BY_ATHENA = {
    # "Configure access to databases and tables in the AWS Glue Data Catalog", of Athena's user guide: what a query asks
    # the catalogue for is asked with its caller's rights
    "glue:GetDatabase",
    # "Control access to Amazon S3 from Athena", and the managed policy AmazonAthenaFullAccess: where the result goes is
    # looked up, the result is written, and what could not be written whole is taken back
    *("s3:PutObject", "s3:ListBucket", "s3:GetBucketLocation", "s3:AbortMultipartUpload"),
}
"""What Athena does with its caller's rights, by the chapters of its user guide."""


def test_athena_is_asked_by_its_rows_and_the_rest_is_athenas(
    athena_lake: AthenaLake, calls_of_clients: Calls
) -> None:
    put_decoded(
        athena_lake.store,
        EVE,
        "a",
        {SPEED: ([EVE.start_ns + number * S for number in range(100)], [1.0] * 100)},
    )
    athena_lake.register()
    calls_of_clients.clear()
    for timeout_s in (600.0, 1.0):
        if timeout_s == 1.0:
            athena_lake.server.order({"delay_s": 120})
        reader = open_athena(
            ParquetReader(athena_lake.store, max_age_s=0),
            athena_lake.store,
            Target(athena_lake.database, athena_lake.workgroup, timeout_s=timeout_s),
            endpoint_url=athena_lake.server.endpoint,
        )
        if timeout_s == 1.0:
            with pytest.raises(TransientError):
                reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns - S)
        else:
            assert len(reader.read(V, [SPEED], EVE.start_ns, EVE.end_ns).series[0].t) == 100
    # IAM knows a look at an object's head by the right to read it
    sent = {"s3:GetObject" if call == "s3:HeadObject" else call for call, _ in calls_of_clients}
    granted = {action for need in permissions.ASKS_ATHENA for action in need.actions}
    assert sent - granted == set(), "a call without its row"
    assert granted - sent == BY_ATHENA, "a row without a call, or a call that was thought to be Athena's"
