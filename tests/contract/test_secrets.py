"""What is blanked, and that the quick look at the whole never lets through what walking would blank."""

import json

import orjson
import pytest
from hypothesis import example
from hypothesis import given as drawn
from hypothesis import strategies as st

from daemon.contract.secrets import BLANK, Blanker

KNOWN = "a known secret"
BLANKER = Blanker(["password", "api_key"], [KNOWN])

PIECES = [
    "://",
    "ada:pw",
    "@",
    "?",
    "&",
    "sig=",
    "token=x",
    "password=",
    "'",
    "': '",
    '": "',
    '\\"',
    "&quot;",
    "/tokens/0123456789abcdef",
    KNOWN,
    "password",
    '"',
    "\\",
    "/",
    " ",
    "\n",
    "K",
    "é",
]
texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=12)
keys = texts | st.sampled_from(["password", "Password", "API_KEY", "api_\N{KELVIN SIGN}ey", "name"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@drawn(values)
@example({"url": "postgresql://ada:p@db"})
@example({"api_\N{KELVIN SIGN}ey": "x"})
@example({"a": "x://ada:p\x1cw@db"})
def test_the_quick_look_finds_whatever_walking_blanks(value):
    assert BLANKER.value(value) == BLANKER._walked(value)


@drawn(values, st.booleans())
@example({"api_\N{KELVIN SIGN}ey": "x"}, True)
@example({"new_password": "x"}, False)
def test_it_finds_as_much_in_what_a_value_was_read_from(value, spaced):
    raw = json.dumps(value, ensure_ascii=False, indent=1 if spaced else None).encode(errors="replace")
    read = json.loads(raw)
    assert BLANKER.value(read, raw) == BLANKER._walked(read)


@drawn(values)
def test_what_was_blanked_once_stays(value):
    once = BLANKER.value(value)
    assert BLANKER.value(once) == once


@pytest.mark.parametrize(
    "given, shown",
    [
        ({"password": "x", "Api_Key": 3}, {"password": BLANK, "Api_Key": BLANK}),
        ({"password": "", "api_key": None}, {"password": "", "api_key": None}),
        ([f"say {KNOWN}", {KNOWN: 1}], [f"say {BLANK}", {BLANK: 1}]),
        ("postgresql://ada:pw@db/x://y:@z", f"postgresql://{BLANK}@db/x://{BLANK}@z"),
        ("http://a/?sig=1&b=2&Token=3", f"http://a/?sig={BLANK}&b=2&Token={BLANK}"),
        ("http://a:80/b?c=d@e", "http://a:80/b?c=d@e"),
        ("mysql://ada:p/w@db/x", f"mysql://{BLANK}@db/x"),
        ("mysql://ada:p@w@db/x and a@b", f"mysql://{BLANK}@db/x and a@b"),
        ("host=db password=pw user=ada", f"host=db password={BLANK} user=ada"),
        ("password='p w' or password=\"p w\"", f"password={BLANK} or password={BLANK}"),
        ("my_token=1 sig=2 assignature=3", "my_token=1 sig=2 assignature=3"),
        ('400: {"password": "p\\"w", "n": 1}', f'400: {{"password": "{BLANK}", "n": 1}}'),
        ("400: {'api_key': 'pw', 'n': 1}", f"400: {{'api_key': '{BLANK}', 'n': 1}}"),
        (r"said {\"password\": \"pw\", \"n\": 1}", rf"said {{\"password\": \"{BLANK}\", \"n\": 1}}"),
        ("<p>&quot;password&quot;: &quot;pw&quot;</p>", f"<p>&quot;password&quot;: &quot;{BLANK}&quot;</p>"),
        ("the password: it's long", "the password: it's long"),
        ("/api/tokens/0123456789abcdef/", f"/api/tokens/{BLANK}/"),
        ("https://r/public/dashboards/0123456789abcdef?o=d", f"https://r/public/dashboards/{BLANK}?o=d"),
        ({"number": 2**70, "password": "x"}, {"number": 2**70, "password": BLANK}),
    ],
)
def test_what_is_blanked(given, shown):
    assert BLANKER.value(given) == shown


def test_a_secret_that_json_escapes_is_found_all_the_same():
    blanker = Blanker(values=['quoted "secret" text', "half a surrogate \udc80"])
    assert blanker.value({"said": ['my quoted "secret" text']}) == {"said": [f"my {BLANK}"]}


def test_secrets_may_be_as_many_and_as_long_as_they_are():
    values = [f"{number:02}" + "long secret " * 5_000 for number in range(20)]
    blanker = Blanker(["password"], values)
    assert blanker.value({"said": [f"my {values[-1]}"]}) == {"said": [f"my {BLANK}"]}
    assert blanker.value({"said": "nothing"}) == {"said": "nothing"}


def test_a_payload_without_secrets_is_not_copied():
    payload = orjson.loads(b'{"pop": {"url": "http://offers.example.com/a?b=c", "names": ["x"]}}')
    assert BLANKER.value(payload) is payload


def test_a_key_that_holds_a_secret_still_tells_things_apart():
    assert BLANKER.key("order-17") == "order-17"
    one, other = (BLANKER.key(f"http://a/?token={n}") for n in (1, 2))
    assert "token" not in one + other
    assert one != other
