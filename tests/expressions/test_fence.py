"""What templates cannot reach and how much they cannot do. The payloads are the well-known ones for Jinja."""

import time

import pytest

from daemon import expressions
from tests.expressions import scopes

ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__']['__mro__'][1]['__subclasses__']() }}",
    "{{ ''|attr('__class__') }}",
    "{{ ['']|map('attr', '__class__')|list }}",
    "{{ ['']|map(attribute='__class__')|list }}",
    "{{ ['']|groupby('__class__')|list }}",
    "{{ [{}, {}]|sort(attribute='__class__')|list }}",
    "{{ ['']|selectattr('__class__')|list }}",
    "{{ [''] | sum(attribute='__class__') }}",
    "{{ ''[['__cla', 'ss__']|join] }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ self['_TemplateReference__context'] }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ dict.__base__ }}",
    "{{ range.__class__ }}",
    "{{ config.items() }}",
    "{{ request.application.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ state.__globals__ }}",
    "{{ state.__code__ }}",
    "{{ state.__call__('x') }}",
    "{{ now.__self__ }}",
    "{{ now().__class__ }}",
    "{{ now().strftime('%Y') }}",
    "{{ event.__class__ }}",
    "{{ event.keys() }}",
    "{{ event['keys']() }}",
    "{{ event.data.clear() }}",
    "{{ event.data.update({'a': 1}) }}",
    "{{ event.data.rows.append(1) }}",
    "{{ event.subject.format(event) }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{0.__class__}'.format_map({}) }}",
    "{{ event.subject.encode() }}",
    "{{ (1).bit_length() }}",
    "{{ 1 .real }}",
    "{{ (1.5).hex() }}",
    "{{ none.__class__ }}",
    "{{ true.__class__ }}",
    "{{ [].__len__() }}",
    "{% for x in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% for x in [1] %}{{ loop._iterable }}{% endfor %}",
    "{% for x in [1] %}{{ loop.cycle.__self__ }}{% endfor %}",
    "{% for x in [1] %}{{ loop }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func }}",
    "{% macro m() %}{% endmacro %}{{ m }}",
    "{% macro m() %}{{ caller.__class__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% macro m() %}{{ varargs.__class__ }}{% endmacro %}{{ m(1) }}",
    "{% set x = state %}{{ x.__globals__ }}",
    "{% with x = ''.__class__ %}{{ x }}{% endwith %}",
    "{{ nothing.__class__ }}",
    "{{ nothing.__init__.__globals__ }}",
    "{{ (nothing | default(state)).__globals__ }}",
    "{{ '%s' % nothing.__class__ }}",
    "{{ '{}' | format(event.__class__) }}",
    "{{ event.time.__reduce__() }}",
    "{{ event.time.tzinfo }}",
    "{{ event.data | xmlattr.__globals__ }}",
    "{{ (1, 2)._fields }}",
    "{{ [{'a': 1}] | groupby('a') | map(attribute='__class__') | list }}",
    "{{ [{'a': 1}] | groupby('a') | map(attribute='_make') | list }}",
    "{{ super() }}",
    "{% block b %}{{ super.__self__ }}{% endblock %}",
    "{% block b %}{{ self.b.__self__ }}{% endblock %}",
    "{% debug %}",
    "{% do event.data.clear() %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os }}",
    "{% from 'os' import system %}",
    "{% extends '/etc/passwd' %}",
]

BOMBS = [
    "{{ 'a' * 10 ** 9 }}",
    "{{ 10 ** 9 * 'a' }}",
    "{{ [0] * 10 ** 9 }}",
    "{{ 10 ** 9 * (0, 1) }}",
    "{{ 10 ** (10 ** 10) }}",
    "{{ 2 ** 2 ** 2 ** 2 ** 2 ** 2 ** 2 ** 2 ** 2 ** 2 ** 2 ** 2 ** 2 ** 2 }}",
    "{{ 'a' | center(10 ** 9) }}",
    "{{ 'a' | indent(10 ** 9, true) }}",
    "{{ ('a\n' * 100000) | indent('x' * 1000) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ '%.1000000000f' | format(1.5) }}",
    "{{ '%*d' % (10 ** 9, 1) }}",
    "{{ '%(a(b)c)1000000000d' % {'a(b)c': 1} }}",
    "{{ ('a' * 1000000) | replace('a', 'b' * 1000000) }}",
    "{{ 'a' | replace('', 'b' * 8000000) }}",
    "{{ ([0] * 100000) | join('x' * 100000) }}",
    "{{ [1] | batch(10 ** 9, 'x') | list }}",
    "{{ [1] | slice(10 ** 9) | list }}",
    "{{ 5 | round(-10 ** 9) }}",
    "{{ 5 | round(10 ** 9, 'ceil') }}",
    "{% for i in ([0] * 100000) %}{% for j in ([0] * 100000) %}{% endfor %}{% endfor %}",
    "{% for i in ([0] * 100000) %}{{ 'a' * 8000000 }}{% endfor %}",
    "{% set x %}{% for i in ([0] * 100000) %}{{ event.data.big }}{% endfor %}{% endset %}{{ x }}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(25) }}",
    "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
    "{% set a = 'a' * 8000000 %}{{ a ~ a }}",
    "{% set a = 'a' * 8000000 %}{{ a + a }}",
    "{% set a = [1] * 90000 %}{{ [a] * 90000 }}",
    "{% set a = [1] * 90000 %}{{ [a] * 90000 }}!",
    "{% set a = (1,) * 90000 %}{% set b = a + a + a + a %}{% set c = b + b + b + b %}{{ c + c + c + c }}!",
    "{{ [event.data.big] * 90000 }}",
    "{{ [event.data.big] * 90000 }}!",
    "{{ ([event.data.big] * 90000) | tojson }}",
    "{{ ([event.data.big] * 90000) | map('upper') | list }}",
    "{{ ([{'a': event.data.big}] * 90000) | csv }}",
    "{{ ([0] * 100000) | map('center', 8000000) | list | length }}",
    "{{ '%s' * 90000 % ((event.data.big,) * 90000) }}",
    "{{ '%(a)s' * 90000 % {'a': event.data.big} }}",
    "{{ '%(a)s' * 90000 | format(a=event.data.big) }}",
    "{{ ('%' ~ '0' * 30000) % 1 }}",
    "{{ ('%(' * 30000) % {} }}",
    "{{ event.data.big | wordwrap(79, true, event.data.big) }}",
    "{% for i in ([0] * 100000) %}{% set x = event.data.big | upper %}{% endfor %}",
]


@pytest.mark.parametrize("template", ESCAPES)
def test_no_way_out(template: str) -> None:
    scope = scopes.scope(rows=[1])
    with pytest.raises(expressions.ExpressionError):
        expressions.compile_value(template).render(scope)
    with pytest.raises(expressions.ExpressionError):
        expressions.compile_value("text " + template).render(scope)
    assert scope["event"]["data"] == {"rows": [1]}


# Of the processor; without a bound each takes minutes, or all memory. About 2 where nothing else runs.
MOST_SECONDS = 15


@pytest.mark.parametrize("template", BOMBS)
def test_no_much_out_of_little(template: str) -> None:
    began = time.thread_time()
    with pytest.raises(expressions.ExpressionError):
        expressions.compile_text(template).render(scopes.scope(big="b" * 1_000_000))
    assert time.thread_time() - began < MOST_SECONDS


@pytest.mark.parametrize(
    "name",
    ["range", "range(3)", "lipsum", "cycler", "joiner", "namespace", "dict", "self.x", "caller", "loop"],
)
def test_what_jinja_offers_beside_filters_is_not_there(name: str) -> None:
    with pytest.raises(expressions.ExpressionError, match="is undefined"):
        scopes.render(f"{{{{ {name} }}}}")


def test_a_large_but_honest_text_renders() -> None:
    rows = [{"n": number, "t": "x" * 20} for number in range(20_000)]
    text = scopes.render("{% for row in event.data.rows %}{{ row.n }},{{ row.t }}\n{% endfor %}", rows=rows)
    assert text.count("\n") == 20_000


def test_every_rendering_has_its_own_budget() -> None:
    counted = expressions.compile_text("{% for i in ([0] * 100000) %}{% endfor %}x")
    assert [counted.render({}) for _ in range(4)] == ["x"] * 4
