"""What is wrong with what was decoded: counts of a partition, thresholds held against them, findings kept until resolved.

    health.py     the counts of one partition
    inspect.py    the same, read from the lake's footers
    judge.py      counts against thresholds: findings
    book.py       what is known of every partition, and the findings that stand
    silence.py    vehicles that no longer send

Who shows a finding is not known here.
"""
