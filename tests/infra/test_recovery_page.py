"""docs/recovery.md has the table that the command writes."""

from tests.infra.recovery import BEGIN, END, PAGE, Recovered, table, with_table

ROWS = [Recovered("objects that were deleted", 1_200, "python -m x BUCKET --at …", 12.34)]


def test_the_table_is_written_between_its_marks() -> None:
    page = PAGE.read_text()
    written = with_table(page, table(ROWS))
    head, _, rest = page.partition(BEGIN)
    assert written.startswith(head)
    assert written.endswith(rest.partition(END)[2])
    assert "| objects that were deleted | 1,200 | `python -m x BUCKET --at …` | 12.3 |" in written
    assert with_table(written, table(ROWS)) == written


def test_the_page_has_every_row_that_was_measured() -> None:
    shown = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [line for line in shown.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) == 1 + 4
    for what in ("made again from raw", "the catalogue", "were deleted", "were written over"):
        assert sum(what in row for row in rows) == 1, what
