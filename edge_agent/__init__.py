"""The program in the vehicle: frames from a bus (or a simulated drive) to raw objects in the lake.

It knows the lake's contract and nothing of decoding, except to simulate a DBC and to show live values.
"""
