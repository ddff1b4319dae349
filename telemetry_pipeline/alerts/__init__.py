"""Findings told to people: once when they appear, once when they are resolved, and never lost because nobody listened.

    tracker.py   which findings whom was told of, and what is still to be told
    targets.py   where they are told: a log, a webhook, an SNS topic

Where findings come from is not known here.
"""
