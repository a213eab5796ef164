"""Projects: folders of views as files, held against a server, and brought to it.

A client of the server: everything it knows of queries it asks over Flight SQL.
"""
