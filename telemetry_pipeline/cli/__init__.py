"""The `telemetry` command line: one file per command, each a door that reads the settings and calls a room."""
