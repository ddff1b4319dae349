"""What the documentation site adds to the pages in docs/: references made from code, and checks of what is built.

Prose does not belong here: it lies in docs/ and reads well without the site.
"""
