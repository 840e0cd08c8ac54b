"""Which tables a statement reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.connectors.tonalytica.actions import statements

NAMES = some.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).map(lambda name: f"t_{name}")


@pytest.mark.parametrize(
    "statement, tables",
    [
        ("select city, signups from signups order by signups desc", ["signups"]),
        (
            "SELECT * FROM shop.orders AS o JOIN shop.customers c ON o.id = c.id",
            ["shop.orders", "shop.customers"],
        ),
        ("select 1 from a, b x, (select 2 from c) s, d where e = 1", ["a", "b", "d", "c"]),
        ('select * from "My Table" left join `proj-1.set.tab` on 1 = 1', ["My Table", "proj-1.set.tab"]),
        ("select * from proj-1.set.tab", ["proj-1.set.tab"]),
        ("select * from [dbo].[Orders]", ["dbo.Orders"]),
        ("-- from x\nselect 'from y', $$ from z $$ from a /* join b */", ["a"]),
        (
            "with recent as (select * from orders), t (n) as materialized (select 1) select * from recent, t",
            ["orders"],
        ),
        ("with recursive r as (select 1 from a union select n from r join b on 1 = 1) table r", ["a", "b"]),
        ("select extract(day from ordered_at), trim(both ' ' from name) from a", ["a"]),
        ("select a is not distinct from b from c", ["c"]),
        ("select g from generate_series(1, (2)) g, t", ["t"]),
        ("select * from only a cross join lateral (select * from b) x", ["a", "b"]),
        ("select * from {{ table }} where day > '{{ day }}'", ["{{ table }}"]),
        ("select * from (a join b on 1 = 1)", ["a", "b"]),
        ("select 1", []),
        ("", []),
        ('{"collection": "orders"}', []),
        ("select * from a union all select * from A", ["a", "A"]),
        ("select * from", []),
        ("select * from 'a", []),
        ("from ((((", []),
    ],
)
def test_tables_are_what_stands_behind_from_and_join(statement, tables):
    assert statements.read_tables(statement) == tables


@given(
    some.lists(NAMES, min_size=1, max_size=5),
    some.sampled_from([" ", "\n", " /* from no */ ", " -- join no\n"]),
)
def test_any_names_are_found(names, blank):
    joined = "".join(f"{blank}JOIN{blank}{name}{blank}ON{blank}1 = 1" for name in names[1:])
    assert statements.read_tables(f"SELECT *{blank}FROM{blank}{names[0]}{joined}") == list(
        dict.fromkeys(names)
    )
    listed = f",{blank}".join(names)
    assert statements.read_tables(f"select 'from x' from{blank}{listed}{blank}where 1 = 1") == list(
        dict.fromkeys(names)
    )


@given(some.text(alphabet="fromjinwhas ()'\"`[].,-/*$;\n#{}", max_size=60))
def test_any_text_is_read(text):
    assert all(isinstance(name, str) for name in statements.read_tables(text))
