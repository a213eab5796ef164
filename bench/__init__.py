"""Measurements of flightlake beside others, rerunnable by anyone: ``make bench``.

``docs/benchmarks.md`` says what is measured and how.  Numbers of different runs cannot be
compared, for machines are noisy: everything that is set against each other is taken in one run,
in turns.
"""
