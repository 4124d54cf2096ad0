"""Composes the pages on the container."""

from infrastructure.container import Container
from interfaces.schema.charges import Charge
from interfaces.web.app import WebApp


def build_web(container: Container, charge: Charge) -> WebApp:
    """Return the pages; the sandbox's vault is beside them only where no card is real."""
    return WebApp(
        dispatch=container.admitted_dispatcher(),
        registry=container.registry(),
        observe=container.calls().observe,
        authenticate=container.authenticator(),
        vault=container.vault(),
        charge=charge,
    )
