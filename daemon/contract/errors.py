"""The two failures of the outside. Anything else that is raised is our own bug."""

from daemon.model.jsons import JsonObject


class ServiceError(Exception):
    """A service did not do what was asked. The text is for the operator: it holds no secret.

    *went_out* is set by ``running`` where a request of the same call had left that may have changed something.
    *so_far* is set by an action that is not probed and has done a part of its work, which is not to be done again: it
    is kept with the step and given to every later attempt (``Call.so_far``).
    """

    def __init__(self, text: str, *, status: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.status = status
        self.went_out = False
        self.so_far: JsonObject | None = None


class TemporaryError(ServiceError):
    """It may go better later: network trouble, 429, 5xx, refused credentials.

    *retry_after* is how long the service asked to be left alone (microseconds). *in_doubt* says that the
    request had been sent and may have taken effect (the answer was lost). *unauthorized* says that the
    credentials were refused, by the vendor's own sign. *elsewhere* says that it was not the account's service that
    failed, but another server that was needed for the call: it says nothing about the account.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        retry_after: int | None = None,
        in_doubt: bool = False,
        unauthorized: bool = False,
        elsewhere: bool = False,
    ) -> None:
        super().__init__(text, status=status)
        self.elsewhere = elsewhere
        self.retry_after = retry_after
        self.in_doubt = in_doubt
        self.unauthorized = unauthorized


class PermanentError(ServiceError):
    """It will not go better by itself: the request is wrong, or the thing is not there.

    *missing* says that the remote object does not exist (with credentials that work).
    """

    def __init__(self, text: str, *, status: int | None = None, missing: bool = False) -> None:
        super().__init__(text, status=status)
        self.missing = missing


class StrangeAnswer(PermanentError):
    """The service answered that all is well, but not with what was asked for: a proxy's page, an empty object.

    A read that ends so fails. After a request that may have changed something the answer is lost, as one that was cut
    off: ``running`` makes a :class:`TemporaryError` of it that is in doubt.
    """


class Unclear(Exception):
    """A probe cannot tell whether a call took effect. *text* says what was found, for the person who decides."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class MalformedBody(Exception):
    """A callback's body is not what the sender documents. Answered with 422; *text* says what is missing."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
