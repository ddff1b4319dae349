"""Checks of a real deployment: one object goes the whole way, and what must be refused is refused.

Asked of the stacks by their outputs; what the stacks are is `infra`'s business.
"""
