"""Threshold rules over decoded signals: what they say, where they hold, and what becomes an event.

Rows in, intervals out. Nothing here knows a CAN frame, a DBC, Dagster or HTTP.
"""
