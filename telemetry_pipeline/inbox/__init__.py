"""What has landed and waits, found without looking at everything every time.

    open.py           which inbox fits a lake
    inbox.py          what every inbox does
    aside.py          what is not asked for again before something changes
    folder_inbox.py   a folder: day-directories that changed
    queue_inbox.py    a bucket whose events a queue holds
    listed_inbox.py   a bucket without events: recent days, listed
    missed_inbox.py   what reconciliation found
    rounds.py         partition by partition through the whole lake, a piece at a time

The decoded or quarantined object is the acknowledgement. Every memory kept here lies under the lake's `_state/`, is
bounded by the number of vehicles, and is a short cut: losing it costs time, never an object.
"""
