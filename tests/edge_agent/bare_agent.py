"""`edge-agent` as it runs on a vehicle: `python -m tests.edge_agent.bare_agent …`.

There is no pandas there. Where there is one, Arrow loads it, which takes a second and 100 MB.
"""

import sys


class NoPandas:
    """Finds no pandas."""

    def find_spec(self, name: str, *_: object) -> None:
        """Say that there is no pandas."""
        if name == "pandas":
            raise ImportError(name)


if __name__ == "__main__":
    sys.meta_path.insert(0, NoPandas())  # type: ignore[arg-type]
    from edge_agent.__main__ import main

    main()
