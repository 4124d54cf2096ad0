"""Composes the pages on the container."""

from infrastructure.container import Container
from interfaces.web.app import WebApp


def build_web(container: Container) -> WebApp:
    """Return the pages; the sandbox's vault is beside them only where no card is real."""
    return WebApp(
        dispatch=container.dispatcher(),
        registry=container.registry(),
        observe=container.calls().observe,
        authenticate=container.authenticator(),
        vault=container.vault(),
    )
