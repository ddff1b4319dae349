"""Multi-frame protocols: frames that carry parts of one payload become one long frame before they are decoded.

Arrow in, Arrow out, as everywhere in `decode`. Which protocols a vehicle speaks is its binding's business.
"""
