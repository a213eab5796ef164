"""Write the Python code of the protocol messages.

    python proto/generate.py             writes flightlake/_proto
    python proto/generate.py DIRECTORY   writes DIRECTORY/flightlake/_proto

Needs grpcio-tools (in the ``dev`` extra).
"""

import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
PACKAGE = "flightlake/_proto"


def generate(root: Path) -> None:
    """Write the modules of every .proto file here to *root*/flightlake/_proto.

    Raises:
        SystemExit: The compiler refused a file; it has said why on stderr.
    """
    (root / PACKAGE).mkdir(parents=True, exist_ok=True)
    # The files get the package's path as their name, so that the generated imports are
    # absolute and no other package's "Flight.proto" can clash in the descriptor pool.
    arguments = [
        "protoc",
        f"-I{PACKAGE}={HERE}",
        f"-I{files('grpc_tools') / '_proto'}",
        f"--python_out={root}",
        f"--pyi_out={root}",
        *(f"{PACKAGE}/{path.name}" for path in sorted(HERE.glob("*.proto"))),
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit(1)
    for stub in (root / PACKAGE).glob("*_pb2.pyi"):
        # The compiler writes a bare Mapping for "any mapping of field names".
        stub.write_text('# mypy: disable-error-code="type-arg"\n' + stub.read_text())


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent)
