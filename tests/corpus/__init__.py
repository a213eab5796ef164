"""Tables that other writers wrote, and what Spark reads from them.

``make corpus`` writes them anew (``generate.py``, ``writers/``); they are committed as one archive,
which ``test_corpus.py`` unpacks and reads with flightlake's engine.  ``refused.txt`` names exactly
the tables that are refused.
"""
