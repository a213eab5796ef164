"""A running ``flightlake demo``."""

import os
import re
import selectors
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

SCALE = "0.01"


class Demo:
    """A running ``flightlake demo`` whose output is read as it comes."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flightlake", "demo", "--directory", str(directory),
             "--port", "0", "--scale", SCALE, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self.output = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait_for(self, pattern: str, seconds: float = 300) -> re.Match[str]:
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not (found := re.search(pattern, self.output)):
                ready = selector.select(max(0, deadline - time.monotonic()))
                assert ready, f"no {pattern!r} within {seconds} s in:\n{self.output}"
                # Not readline(): what it has read ahead, select() does not see.
                more = os.read(self.process.stdout.fileno(), 65536).decode()
                assert more, f"the demo ended: {self.output}\n{self.process.communicate()[1]}"
                self.output += more
        return found


@pytest.fixture(scope="session")
def demo_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the demo has run once."""
    folder = tmp_path_factory.mktemp("demo") / "lakehouse"
    with Demo(folder, "--check") as demo:
        output, errors = demo.process.communicate(timeout=600)
        assert demo.process.returncode == 0, errors
        (folder.parent / "first-output.txt").write_text(output)
    return folder
