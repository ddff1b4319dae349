"""A vehicle-day compacted for reading: the series object, and the overview tiers that are made from it.

Everything here can be made again from the decoded objects. Who asks for what is `query`'s business, when it is made
is the doors'.
"""
