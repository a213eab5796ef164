"""The writers of the corpus; they run in an environment of their own."""
