"""When raw objects go to S3 Glacier, and which: what the lake's rule says, and what a bill counts by. Needs no CDK."""

from typing import Final

ARCHIVED_DAYS: Final = 90

SMALLEST_BYTES: Final = 128 * 1024
"""Smaller ones stay where they are: archived, each has 32 kB in Glacier and 8 kB in S3 on top, and its transition costs
more than years of keeping it (docs/cost.md computes that). It is S3's own bound, which the buckets name."""
