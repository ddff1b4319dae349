"""The fleet by day: one row per vehicle, made from the footers and rows of its decoded objects.

When a day is summed up, and by whom, is the doors' business.
"""
