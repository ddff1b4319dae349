"""One recording that comes in pieces: transfers that a piece leaves open go on in the next one.

Where pieces begin and end, and which recording they are of, is the caller's business.
"""

import pyarrow as pa

from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.decode.transport.reassemble import Reassembled, reassemble


class Stitcher:
    """Reassembles frames piece by piece.

    Args:
        plan: What ids mean, and the protocols spoken.
        left: What frames before the first piece have left open, whose rows are accounted for elsewhere.
    """

    def __init__(self, plan: Plan, left: Reassembled | None = None) -> None:
        self._plan = plan
        self._report = left.continued() if left else Report()
        self.left = left

    def add(self, frames: pa.Table) -> pa.Table:
        """The next piece (columns of `lake.schema.RAW`), with segments replaced by the transfers that they complete.

        Raises:
            BadRaw: More distinct vehicles or channels than one object holds.
        """
        self.left = reassemble(frames, self._plan, self.left.open if self.left else None)
        self._report = self._report + self.left.report
        return self.left.table

    def report(self) -> Report:
        """The account of all frames that `add` did not give back, and of all transfers."""
        return self._report + self.left.unfinished() if self.left else self._report
