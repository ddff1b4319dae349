"""Recorded logs of other tools, read as raw frames: candump, ASC, BLF, TRC, MF4 and CSV.

Knows file formats and the lake's columns. Windows, keys and objects are the lake's business, signals the decoder's.
"""
