"""The contract that every room meets at: what lies where, in which columns, and how one object is read or written.

Nothing here knows a DBC, Dagster, HTTP or a vehicle's hardware.
"""
