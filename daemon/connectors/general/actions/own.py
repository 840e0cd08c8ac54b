"""What stays in the house: events, state, the log.

Events and state are only returned here; they are written in the transaction of the step's outcome, so once.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from daemon.connectors.general.client import GeneralClient
from daemon.contract import declare
from daemon.model import events
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

LONGEST_NAME = 255  # characters of a type, a subject, a key
WITH_OUTCOME = "it is written together with the step's outcome, so exactly once"


def own_type(text: str) -> str:
    """*text* if an operator may tell events of that type, else :class:`ValueError`."""
    if text.split(".")[0] in events.RESERVED_WORDS:
        raise ValueError(f"types that begin with {text.split('.')[0]} are told by Pointsman alone")
    return text


def printable(text: str) -> str:
    """*text* if it holds no control character, else :class:`ValueError`."""
    if any(not character.isprintable() for character in text):
        raise ValueError("it holds a line break or another control character")
    return text


Name = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(printable)]


class EmitEvent(declare.Parameters):
    """A new event."""

    type: Annotated[Name, AfterValidator(own_type)] = Field(
        description="Its type, the operator's own: not under a service's name, `schedule` or `pointsman`.",
        pattern=r"^[^\s*?]+$",
    )
    subject: Name = Field("", description="What it is about.")
    data: JsonObject = Field({}, description="What it tells.")
    key: Name | None = Field(
        None,
        description="What makes it the same event when it is emitted again; by default each step of each run "
        "emits one of its own.",
        min_length=1,
    )


class EmittedEvent(declare.Result):
    """The event as it will be recorded."""

    type: str = Field(description="Its type.")
    subject: str = Field(description="What it is about.")
    key: str = Field(description="Its key: the same key twice is one event.")


@declare.action(
    "event.emit",
    doubt=Doubt.REPEATABLE,
    why=WITH_OUTCOME,
    example={"type": "offer.made", "subject": "4711", "data": {"customer": "Ada", "amount": 1200}},
)
async def emit(
    client: GeneralClient, parameters: EmitEvent, call: declare.Call
) -> declare.Done[EmittedEvent]:
    """Put an event in the journal, caused by this run and one step deeper in its chain."""
    key = parameters.key or call.marker or f"{call.run_id}/{call.step_id}"  # without markers too
    fact = events.Fact(parameters.type, parameters.subject, key, parameters.data)
    return declare.Done(EmittedEvent(type=fact.type, subject=fact.subject, key=key), facts=[fact])


class SetState(declare.Parameters):
    """A value to keep."""

    key: Name = Field(description="The name under which `state(key)` finds it.", min_length=1)
    value: Any = Field(description="What is kept; null deletes it.")


class DeleteState(declare.Parameters):
    """A value to forget."""

    key: Name = Field(description="The name under which it was kept.", min_length=1)


class State(declare.Result):
    """What is kept now."""

    key: str = Field(description="Its name.")
    value: Any = Field(None, description="What is kept; null when it is deleted.")


@declare.action(
    "state.set",
    doubt=Doubt.REPEATABLE,
    why=WITH_OUTCOME,
    example={"key": "last-offer", "value": {"customer": "Ada", "amount": 1200}},
)
async def set_state(client: GeneralClient, parameters: SetState, call: declare.Call) -> declare.Done[State]:
    """Keep a value for later runs of any reaction."""
    key, value = parameters.key, parameters.value
    return declare.Done(State(key=key, value=value), state={key: value})


@declare.action("state.delete", doubt=Doubt.REPEATABLE, why=WITH_OUTCOME, example={"key": "last-offer"})
async def delete_state(
    client: GeneralClient, parameters: DeleteState, call: declare.Call
) -> declare.Done[State]:
    """Forget a kept value; one that is not there is no error."""
    return declare.Done(State(key=parameters.key), state={parameters.key: None})


class WriteLog(declare.Parameters):
    """A line for the log."""

    message: str = Field(description="What to say.")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="How loud.")
    fields: JsonObject = Field({}, description="Values to stand beside the message.")


class LogLine(declare.Result):
    """The line that was written."""

    message: str = Field(description="What was said.")
    level: str = Field(description="How loud.")


@declare.action(
    "log.write",
    doubt=Doubt.REPEATABLE,
    why="a second line in the log harms nothing",
    example={"message": "the offer was opened", "fields": {"customer": "Ada"}},
)
async def write_log(client: GeneralClient, parameters: WriteLog, call: declare.Call) -> declare.Done[LogLine]:
    """Write a line to the daemon's log, with the run's and the step's ids."""
    client.log(parameters.level, parameters.message, call, parameters.fields)
    return declare.Done(LogLine(message=parameters.message, level=parameters.level))
