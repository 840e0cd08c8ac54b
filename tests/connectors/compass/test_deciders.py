"""What of ours is there after a lost answer, for any lists: documents by their order, messages by their ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.connectors.compass.actions import documents, messages, shapes
from daemon.connectors.compass.actions.documents import Document, NewDocument
from daemon.contract import errors
from daemon.model.jsons import JsonObject

DOCUMENTS = some.lists(
    some.builds(
        NewDocument,
        text=some.text(max_size=3),
        label=some.sampled_from([None, "a", "b"]),
        dataset=some.sampled_from([None, "x", "y"]),
    ),
    min_size=1,
    max_size=12,
)


def kept(given: list[NewDocument]) -> dict[str, list[Document]]:
    """*given* as a service lists them, in the scopes that are counted."""
    listed = [Document(id=n, label=one.label, dataset=one.dataset) for n, one in enumerate(given)]
    return {
        scope: [one for one in listed if scope in (documents.WHOLE, one.dataset)]
        for scope in documents.scopes(given)
    }


@given(DOCUMENTS, some.integers(1, 5), some.data())
def test_whole_requests_from_the_first_on_are_recognised(sent, at_once, data):
    requests = data.draw(some.integers(0, -(-len(sent) // at_once)))
    end = min(requests * at_once, len(sent))
    scopes = documents.scopes(sent)
    tails = {scope: kept(sent[:end]).get(scope, []) if end else [] for scope in scopes}
    if end and documents.scopes(sent[:end]) != scopes:  # what is counted is settled by the whole list
        listed = [Document(id=n, label=one.label, dataset=one.dataset) for n, one in enumerate(sent[:end])]
        tails = {s: [one for one in listed if s in (documents.WHOLE, one.dataset)] for s in scopes}
    assert documents.taken(sent, tails, at_once) == end


@given(DOCUMENTS, some.integers(1, 5))
def test_a_strangers_document_among_ours_fits_nothing(sent, at_once):
    tails = kept(sent)
    scope = next(iter(tails))
    strange = Document(id=99, label="strange", dataset=scope or None)
    assert documents.taken(sent, {**tails, scope: [*tails[scope], strange]}, at_once) is None
    assert documents.taken(sent, {**tails, scope: [strange]}, at_once) is None


@pytest.mark.parametrize("text, end", [("mine", 1), ("theirs", None)])
def test_a_text_that_is_told_counts_too(text, end):
    tails = {"": [Document.model_validate({"id": 1, "text": text})]}
    assert documents.taken([NewDocument(text="mine")], tails, 1000) == end


@given(some.lists(some.integers(0, 50), unique=True, max_size=10), some.data())
def test_messages_are_recognised_in_any_order_among_any_others(numbers, data):
    sent = [message(f"m-{number}", f"text {number}") for number in numbers]
    there = data.draw(some.sets(some.sampled_from(range(len(sent))))) if sent else set()
    others = [message(f"other-{n}", "text 1") for n in range(data.draw(some.integers(0, 3)))]
    later = data.draw(some.permutations([sent[place] for place in there] + others))
    found = messages.match(sent, later)
    assert found == {place: sent[place] for place in there}


def test_two_alike_are_two():
    sent = [message("s", "a"), message("s", "a")]
    assert set(messages.match(sent, [message("s", " a ")])) == {0}
    assert set(messages.match(sent, [*sent])) == {0, 1}


def test_another_text_under_our_id_is_unclear():
    with pytest.raises(errors.Unclear, match="source_id s"):
        messages.match([message("s", "a")], [message("s", "b")])
    assert messages.match([{"text": "a"}], [message("s", "a")]) == {}


def message(source_id: str, text: str) -> JsonObject:
    return {"source_id": source_id, "text": text}


@given(some.dictionaries(some.sampled_from(["label", "dataset"]), some.text(min_size=1), max_size=2))
def test_a_query_holds_what_was_given_and_nothing_else(fields):
    parameters = documents.ListDocuments.model_validate({"project_id": "p", **fields})
    assert shapes.query(parameters, "label", "dataset") == fields
