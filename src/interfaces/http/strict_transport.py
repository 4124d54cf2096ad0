"""Strict-Transport-Security on every answer of every face, where people reach Stoa by https."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class StrictTransport:
    """Asks browsers to come back encrypted only, for a year; around everything, for one answer without would do."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on."""

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), STRICT_TRANSPORT]}
            await send(message)

        await self._app(scope, receive, send_with_header if scope["type"] == "http" else send)
