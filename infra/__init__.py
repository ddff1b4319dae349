"""The stacks in AWS, written with the CDK: what is made there, with which settings and which permissions.

Nothing of the platform itself is here; what a stack's functions run is in the rooms that it deploys.
"""
