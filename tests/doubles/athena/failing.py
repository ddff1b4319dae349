"""How a query of the double ends without a result, in the words that Athena uses."""

from dataclasses import dataclass


@dataclass
class QueryFailed(Exception):
    """A query that ends as FAILED. Categories: 1 Athena's fault, 2 the query's, 3 neither."""

    reason: str
    category: int = 2
    retryable: bool = False

    def __str__(self) -> str:
        return self.reason
