"""The wire: gRPC, TLS, and the Flight messages.

gRPC's core writes lines of its own to standard error, for instance for each client that does not
like a certificate.  The log is lines of JSON and nothing else, so the core is told to be silent
before it is loaded; what matters of its failures reaches us as errors.
"""

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")
