"""The reader that asks Athena: what is sent, what it means when it fails, and what comes back.

The only room with SQL. Lists and overviews are not asked of Athena: their footers in the lake say them at once.
"""
