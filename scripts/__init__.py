"""What is done to the tree, not with it: building, checking, documenting. Nothing that is installed imports it."""
