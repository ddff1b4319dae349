"""Reading decoded signals back: one protocol for whoever asks, and its implementations over the lake.

Nothing here knows a DBC, HTTP or a chart; nothing here drops a point.
"""
