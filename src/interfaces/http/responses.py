"""Complete answers, and sending them."""

from dataclasses import dataclass, field

from starlette.types import Send


@dataclass(frozen=True, slots=True)
class Answer:
    """A response whose body is known. Header names are in lower case; the length is added when it is sent."""

    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def send(self, send: Send, *, without_body: bool = False) -> None:
        """Send it; ``HEAD`` gets the headers of what ``GET`` would have had."""
        headers = [*self.headers, (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if without_body else self.body})
