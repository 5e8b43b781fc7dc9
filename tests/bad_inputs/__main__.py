"""``python -m tests.bad_inputs``: the table with its count."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from tests.bad_inputs.table import TABLE

table = Table(title=f"{len(TABLE)} bad inputs", title_justify="left")
for heading in ("place", "given", "code", "the sentence says"):
    table.add_column(heading)
for row in TABLE:
    given = " | ".join("nothing" if one is None else ascii(one)[1:-1][:70] for one in row.given)
    table.add_row(row.place, given, str(row.code), row.says)
console = Console(markup=False)
console.print(table)
console.print(", ".join(f"{amount} {place}" for place, amount in Counter(row.place for row in TABLE).items()))
