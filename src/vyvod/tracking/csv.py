"""The CSV files of a run: every value that was logged, exactly."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from vyvod.errors import RunError
from vyvod.files import write_text

TEXT_COLUMNS = frozenset({"split", "class"})
"""A class may be called 7 or nan."""


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the full history atomically.

    Args:
        path: the file.
        rows: column -> number or text; columns that a row lacks, or that are None, stay empty. The columns of the file are
            those of all rows, in the order in which they first occur.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_written(row.get(column)) for column in columns] for row in rows)
    write_text(path, text.getvalue())


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows as they were written; empty cells are left out.

    Returns:
        column -> int, float (the same bits, NaN included) or text.

    Raises:
        RunError: the file is missing or is not such a file.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    except FileNotFoundError:
        raise RunError(f"{path} does not exist. Give the folder of a run that has trained an epoch.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RunError(f"{path} is not a readable CSV file: {error}.") from error
    return [_read_row(row.items()) for row in rows]


def _written(value: object) -> str:
    match value:
        case None:
            return ""
        case bool() | str():
            return str(value)
        case Integral():
            return str(int(value))
        case Real():
            # The shortest text that gives the same double back.
            return repr(float(value))
        case _:
            return str(value)


def _read_row(cells: Iterable[tuple[str, str | None]]) -> dict[str, Any]:
    return {column: cell if column in TEXT_COLUMNS else _number(cell) for column, cell in cells if cell}


def _number(cell: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell
