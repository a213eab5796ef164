"""The rows of an execution, in the schema that was promised for them."""

from collections.abc import Callable, Iterator

import pyarrow as pa

from flightlake.cancellation import Cancellation
from flightlake.engine.datafusion_errors import translate
from flightlake.engine.loss_guard import LossGuard
from flightlake.engine.outlet import Outlet
from flightlake.engine.sql_text import SqlText
from flightlake.errors import InternalError

Edit = Callable[[pa.RecordBatch], pa.RecordBatch]


class Result:
    """Batches of *schema*; iterate once, close from any thread."""

    def __init__(
        self,
        schema: pa.Schema,
        pump: Outlet,
        text: SqlText,
        edit: Edit | None = None,
        guard: LossGuard | None = None,
    ) -> None:
        self.schema = schema
        self._pump = pump
        self._text = text
        self._edit = edit
        self._guard = guard

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._pump:
                if batch.num_rows:
                    yield self._promised(batch if self._edit is None else self._edit(batch))
            if self._guard is not None and self._pump.ended:
                self._guard.check()
        except (GeneratorExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise translate(error, self._text) from error
        finally:
            self._pump.close()

    def draw(self, take: Callable[[pa.RecordBatch], object], call: Cancellation) -> None:
        """Give all batches to *take*, and close; at once if *call* is cancelled.

        Raises:
            FlightlakeError: They cannot be read, or the reason of *call*; or what *take* raises.
        """
        forget = call.on_cancel(self.close)
        try:
            for batch in self:
                call.check()
                take(batch)
            # A result that was closed ends like one that is complete.
            call.check()
        finally:
            forget()
            self.close()

    def close(self) -> None:
        """Stop the execution."""
        self._pump.close()

    def _promised(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.schema.equals(self.schema, check_metadata=True):
            return batch
        columns = [
            _as_announced(column, field.type)
            for column, field in zip(batch.columns, self.schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


_TEXTS = (pa.string(), pa.large_string(), pa.string_view())
_BYTES = (pa.binary(), pa.large_binary(), pa.binary_view())


def _as_announced(column: pa.Array, type_: pa.DataType) -> pa.Array:
    if column.type == type_:
        return column
    # The engine announces strings for some CASE, and gives views of strings.
    if any(column.type in alike and type_ in alike for alike in (_TEXTS, _BYTES)):
        return column.cast(type_)
    # Never cast anything else: a difference means the plan is not what was described.
    raise InternalError("the engine's rows are not of the types it announced")
