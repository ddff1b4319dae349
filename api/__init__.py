"""The query service: HTTP over a reader of decoded signals. Nothing here knows how a frame becomes a signal."""
