"""The Flight SQL protocol as values: messages, result schemas, handles.  Knows no server."""
