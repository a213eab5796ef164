"""What is wrong with a project, and where."""

from dataclasses import dataclass

from flightlake.errors import FlightlakeError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """``path`` is relative to the project; ``line`` and ``column`` count from 1, 0: all of it."""

    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = [self.path, *(str(number) for number in (self.line, self.column) if number)]
        return f"{':'.join(place)}: {self.message}"


class ProblemsFound(FlightlakeError):
    """A project cannot be planned; ``problems`` are all that were found, in order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'' if count == 1 else 's'} found in the project")
        self.problems = problems
