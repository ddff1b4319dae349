"""The core: a CAN database and a table of frames give a table of signal values and an account of every frame.

Arrow in, Arrow out. Nothing here knows a clock, a disk, the environment, a logger, an orchestrator or a cloud.
"""
