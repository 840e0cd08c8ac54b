"""Domains: where an account's pops can be published."""

from pydantic import Field

from daemon.connectors.populr import client as populr
from daemon.contract import declare, errors
from daemon.model.jsons import JsonObject
from daemon.model.runs import Doubt

DOMAINS = "/domains"


class ListDomains(declare.Parameters):
    """All domains of the account."""


class Domain(declare.Parameters):
    """Which domain."""

    domain: str = Field(
        description="A domain such as `www.mysite.com`; it should point at Populr already.", min_length=1
    )


class Domains(declare.Result):
    """Domains of the account."""

    domains: list[str] = Field(description="The domains; the first one is the group's own at Populr.")


class AddedDomain(declare.Result):
    """A domain that is attached to the account."""

    domain: str = Field(description="The domain.")


class DeletedDomain(declare.Result):
    """A domain that is not attached to the account any more."""

    domain: str = Field(description="The domain.")
    existed: bool = Field(description="Whether it was still attached when it was deleted.")


async def read_domains(client: populr.PopulrClient) -> list[str]:
    """The account's domains; :class:`StrangeAnswer` if the answer is no list of texts."""
    body = (await client.send("GET", DOMAINS)).json()
    if not isinstance(body, list) or not all(isinstance(one, str) for one in body):
        raise errors.StrangeAnswer("the answer is not a list of domains. Is base_url right?")
    return body


def is_listed(domain: str, domains: list[str]) -> bool:
    """Whether *domain* is one of *domains*; case and a last dot do not count in a domain's name."""
    return _plain(domain) in {_plain(one) for one in domains}


def _plain(domain: str) -> str:
    return domain.strip().rstrip(".").lower()


@declare.action("populr.list_domains", doubt=Doubt.REPEATABLE, why="it only reads")
async def list_domains(
    client: populr.PopulrClient, parameters: ListDomains, call: declare.Call
) -> declare.Done[Domains]:
    """List the account's domains."""
    return declare.Done(Domains(domains=await read_domains(client)))


async def look_for_domain(
    client: populr.PopulrClient, parameters: Domain, call: declare.Call, before: JsonObject | None
) -> declare.Done[AddedDomain] | None:
    """The domain, if it is attached."""
    known = await read_domains(client)
    return _added(parameters) if is_listed(parameters.domain, known) else None


@declare.action(
    "populr.add_domain",
    doubt=Doubt.PROBED,
    why="a second POST may be refused, because the domain is in use then",
    probe=declare.Probe(about="the domain among those of the account", look=look_for_domain),
    example={"domain": "offers.example.com"},
)
async def add_domain(
    client: populr.PopulrClient, parameters: Domain, call: declare.Call
) -> declare.Done[AddedDomain]:
    """Attach a domain to the account. Populr refuses one that does not point at it, or that another group has."""
    await client.send("POST", DOMAINS, json={"domain": parameters.domain})
    return _added(parameters)


def _added(parameters: Domain) -> declare.Done[AddedDomain]:
    return declare.Done(AddedDomain(domain=parameters.domain), made=[("domain", parameters.domain)])


@declare.action(
    "populr.delete_domain",
    doubt=Doubt.REPEATABLE,
    why="a domain that is taken away stays so",
    example={"domain": "news.example.com"},
)
async def delete_domain(
    client: populr.PopulrClient, parameters: Domain, call: declare.Call
) -> declare.Done[DeletedDomain]:
    """Take a domain away from the account. One that is not attached is no error."""
    # The document does not say where the parameter stands; a Rails server reads both places.
    domain: JsonObject = {"domain": parameters.domain}
    try:
        await client.send("DELETE", DOMAINS, query=domain, json=domain)
    except errors.PermanentError:
        if is_listed(parameters.domain, await read_domains(client)):
            raise
        return declare.Done(DeletedDomain(domain=parameters.domain, existed=False))
    return declare.Done(DeletedDomain(domain=parameters.domain, existed=True))
