"""Write the Python code of the protocol messages.

    python proto/generate.py             writes flightlake/_proto
    python proto/generate.py --check     says whether flightlake/_proto is current; exit code 1: not

Needs grpcio-tools (in the ``dev`` extra).
"""

import re
import sys
import tempfile
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


def stale() -> list[str]:
    """Return the names of the committed modules that are not what the .proto files say."""
    with tempfile.TemporaryDirectory() as fresh:
        generate(Path(fresh))
        committed, wanted = _modules(HERE.parent), _modules(Path(fresh))
    names = committed.keys() | wanted.keys()
    return sorted(name for name in names if committed.get(name) != wanted.get(name))


def _modules(root: Path) -> dict[str, str]:
    found = (root / PACKAGE).glob("*_pb2.py*")
    return {path.name: _normalised(path.read_text()) for path in found}


def _normalised(text: str) -> str:
    """Return *text* without the generator's version: any release makes the same code for us."""
    text = re.sub(r"# Protobuf Python Version: .*\n", "", text)
    return re.sub(r"(Domain\.PUBLIC,)\s*\d+,\s*\d+,\s*\d+,", r"\1", text)


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        if names := stale():
            sys.exit(f"not current, run make proto: {', '.join(names)}")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        generate(HERE.parent)
