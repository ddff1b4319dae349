"""CAN telemetry from raw frames in a lake to decoded signals on request; importing the package imports nothing."""
