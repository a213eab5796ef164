"""Refreshing views by themselves: what is due when, who does it, and the thread that begins it.

What is due follows from values alone (``due``, ``deadlines``); ``watching`` finds out what has
changed, ``loop`` begins what is due.  Nothing here is needed for rows to be right: whoever
refreshes when, the commit decides.
"""
