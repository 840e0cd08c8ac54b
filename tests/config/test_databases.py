import pytest

from daemon.config import databases
from daemon.journal import postgres


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///pointsman.db",
        "postgresql://ada@db/pointsman",
        "postgresql://ada:p%40ss/w?rd#1@my_db.example.com.:6432/pointsman?sslmode=require",
        "postgresql://ada@[::1]:5432/pointsman?sslmode=verify-full",
        "postgresql:///pointsman?host=/run/postgresql",
        "postgresql:///pointsman?host=/run/postgresql&port=5433&user=ada&password=secret",
        "postgresql://ada@/pointsman?host=a:5432&host=b:5433&target_session_attrs=read-write",
    ],
)
def test_what_the_driver_takes_is_good(url: str) -> None:
    assert databases.judge_url(url) == ("", "")
    if url.startswith("postgresql"):
        dialect = postgres.async_url(url).get_dialect()()
        taken = dialect.create_connect_args(postgres.async_url(url))[1]
        assert set(taken) <= {"user", "password", "host", "port", "database", "ssl", "target_session_attrs"}


@pytest.mark.parametrize(
    "url, text, help",
    [
        ("mysql://u@h/x", "SQLite file or a PostgreSQL", "postgresql://USER@HOST/NAME"),
        ("postgresql://", "the name of the journal's database is missing", "/NAME"),
        ("postgresql://u:pw@h:port/x", "the port", "HOST"),
        ("postgresql://u@h:999999/x", "the port", "HOST"),
        ("postgresql://u@h:0/x", "the port", "HOST"),
        ("postgresql://u@h1:1,h2:2/x", "the port", "HOST"),
        ("postgresql://u@[::1/x", "a host that cannot be one", "HOST"),
        ("postgresql://u@[127.0.0.1]/x", "a host that cannot be one", "HOST"),
        ("postgresql://u@a..b/x", "a host that cannot be one", "HOST"),
        ("postgresql://u:sec@ret@h/x", "a host that cannot be one", "write @ as %40"),
        ("postgresql://u@h/x?application_name=p", "unknown option application_name", "Known here: host, "),
        ("postgresql://u@h/x?ssl=require", "unknown option ssl", "Did you mean sslmode?"),
        ("postgresql://u@h/x?sslmode=", "sslmode cannot be that", "one of disable, allow, prefer, require"),
        ("postgresql://u@h/x?sslmode=on", "sslmode cannot be that", "one of disable, allow, prefer, require"),
        ("postgresql://u@h/x?sslmode=allow&sslmode=prefer", "sslmode twice", "Keep one"),
        ("postgresql://u@h/x?host=a&host=b", "host cannot be that", "HOST:PORT"),
        ("postgresql://u@h/x?host=a:999999", "host cannot be that", "HOST:PORT"),
    ],
)
def test_what_no_driver_could_open_is_told(url: str, text: str, help: str) -> None:
    told = databases.judge_url(url)
    assert text in told[0]
    assert help in told[1]
    assert "sec" not in "".join(told)
