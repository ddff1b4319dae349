"""The agent with little memory for what a disk does not take: `python -m tests.edge_agent.forgetful_agent ...`.

What the agent keeps lasts minutes of a full bus, which a test cannot wait for.
"""

from edge_agent import recorder
from edge_agent.__main__ import main

if __name__ == "__main__":
    recorder.HELD_BYTES_MOST = 200_000
    main()
