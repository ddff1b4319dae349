"""The catalogue: what a query engine such as Athena must be told of the lake. Glue for s3:// lakes, none for folders.

It is derived from the lake's schema and layout alone and can be made again at any time.
"""
