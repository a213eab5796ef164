"""A lakehouse to try flightlake on, in one folder: the data, the server, the way to connect."""
