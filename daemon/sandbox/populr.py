"""Populr, simulated: keys, templates, pops and domains, as in the Populr API text.

``populr_assets`` and ``populr_tracers`` hold the rest of its endpoints, ``populr_calls`` what it sends
by itself. Where the text is silent the vendor's Ruby and .NET clients decided; each place says so.
"""

from daemon.model import times
from daemon.sandbox import exchange, populr_assets, populr_group, populr_pops, populr_tracers


class Populr(populr_group.Group):
    """The Populr API over one group."""

    kind = "populr"
    base_path = "/v0"

    def __init__(self, clock: times.Clock) -> None:
        super().__init__(clock)
        self._routes = exchange.Routes(
            ("GET", "/templates", self.list_templates),
            ("GET", "/templates/{}", self.get_template),
            ("GET", "/templates/{}/pops", self.list_template_pops),
            ("GET", "/domains", self.list_domains),
            ("POST", "/domains", self.add_domain),
            ("DELETE", "/domains", self.delete_domain),
            *populr_pops.rows(self),
            *populr_tracers.rows(self),
            *populr_assets.rows(self),
        )

    def answer(self, ask: exchange.Ask) -> exchange.Reply:
        """One request; a validation error may come under a 200 when the settings say so."""
        try:
            return self._answer(ask)
        except exchange.Refused as refused:
            if self.settings["errors_under_200"] and refused.reply.status in (400, 402):
                return exchange.Reply(200, refused.reply.body)
            raise

    def _answer(self, ask: exchange.Ask) -> exchange.Reply:
        known = exchange.basic_credentials(ask)
        if known is None or known[0] != self.api_key:
            raise populr_group.refusal(401, "request.unauthorized", "You must provide a valid API key.")
        # Rails serves a path with and without its slash; the vendor's Ruby client sends one on lists.
        found = self._routes.find(ask.method, ask.path.rstrip("/") or "/")
        if found is None:
            return self.trouble(404)
        if ask.unreadable:
            raise populr_group.refusal(400, "request.validation", "The request's body could not be read.")
        answer, arguments = found
        return answer(ask, *arguments)

    def trouble(self, status: int) -> exchange.Reply:
        """Populr's own words for *status*; 5xx are a web server's page, not JSON."""
        if status == 404:
            text = "You have reached the Populr.me API, but we do not understand how to service your request."
            return populr_group.error(404, "request.not_found_api", text)
        if status >= 500:
            return exchange.Reply(
                status, b"<html><h1>Something went wrong</h1></html>", content_type="text/html"
            )
        return populr_group.error(status, "request.failed", "Your request could not be completed.")

    def list_templates(self, ask: exchange.Ask) -> exchange.Reply:
        """A bare array."""
        return exchange.Reply(200, populr_group.window(ask, list(self.templates.values())))

    def get_template(self, ask: exchange.Ask, template_id: str) -> exchange.Reply:
        """One template (the vendor's Ruby client finds templates by id)."""
        return exchange.Reply(200, self.template(template_id))

    def list_template_pops(self, ask: exchange.Ask, template_id: str) -> exchange.Reply:
        """The pops made from one template, newest first."""
        self.template(template_id)
        pops = [p for p in reversed(self.pops.values()) if p["template_id"] == template_id]
        return exchange.Reply(200, [populr_pops.shown(self, p) for p in populr_group.window(ask, pops)])

    def list_domains(self, ask: exchange.Ask) -> exchange.Reply:
        """An array of texts, at least the group's own."""
        return exchange.Reply(200, self.domains)

    def add_domain(self, ask: exchange.Ask) -> exchange.Reply:
        """Refused when mis-formatted or in use, here or in another group."""
        domain = populr_group.required(populr_group.body(ask), "domain")
        if "." not in domain or any(c.isspace() or c in "/:@" for c in domain):
            raise populr_group.refusal(400, "request.validation", f"{domain} is not a valid domain.")
        if domain == populr_group.ELSEWHERE or domain in self.domains:
            raise populr_group.refusal(400, "request.validation", f"{domain} is already in use.")
        self.domains.append(domain)
        return exchange.Reply(200, self.domains, "domain.added", domain)

    def delete_domain(self, ask: exchange.Ask) -> exchange.Reply:
        """``domain`` in the query or the body; it must be one of the listed."""
        domain = ask.query.get("domain") or populr_group.required(populr_group.body(ask), "domain")
        if domain not in self.domains:
            raise populr_group.domain_refusal(domain, self.domains)
        self.domains.remove(domain)
        return exchange.Reply(200, self.domains, "domain.deleted", domain)
