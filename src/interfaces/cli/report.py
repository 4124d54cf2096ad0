"""``stoa report``: what a running process tells about itself."""

import os
from urllib.parse import urlsplit

import click

from application.kernel.start_error import StartError
from interfaces.cli.errors import UNAVAILABLE
from interfaces.cli.output import Format, preferred, tell, write_json, write_rows

_SECONDS = 10


class NoMetrics(StartError):
    """Nothing there answers with metrics of Stoa."""

    exit_code = UNAVAILABLE


def _here() -> str:
    """Return where the process of these settings listens."""
    host, port = os.environ.get("STOA_HOST") or "127.0.0.1", os.environ.get("STOA_PORT") or "8000"
    # Whoever listens everywhere is asked here.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - this is where not to connect to
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@click.group()
def report() -> None:
    """Report on a running process."""


@report.command()
@click.option("--url", envvar="STOA_URL", show_envvar=True, default=_here, show_default="STOA_HOST and STOA_PORT",
              help="Where the process is.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Rows of a section.")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), help="By default a table for a person, else JSON."
)
def performance(*, url: str, limit: int, output: str | None) -> None:
    """Report on the performance of a running process, from its metrics.

    Use-cases, repository methods, transactions and jobs by the time that all of them took; statements by the time that
    one takes, with the fingerprints that the log has. Times are microseconds, and percentiles are estimated from the
    buckets. It is one process since its start: Prometheus is for several, and for how it was yesterday.
    """
    from interfaces.cli.performance import read  # noqa: PLC0415 - help must not wait for the parser

    sections = read(_text(url), limit)
    if sections is None:
        raise NoMetrics(f"{url}: what answers there is not Stoa")
    if (Format(output) if output else preferred()) is Format.JSON:
        write_json({"url": url, **sections})
        return
    for name, rows in sections.items():
        if rows:
            tell(f"\n{name.replace('_', ' ').capitalize()}")
            write_rows(rows, Format.TABLE)


def _text(url: str) -> str:
    import httpx2  # noqa: PLC0415 - as above

    if urlsplit(url).scheme not in {"http", "https"}:
        raise click.BadParameter("must begin with http:// or https://", param_hint="--url")
    try:
        answer = httpx2.get(f"{url.rstrip('/')}/metrics", timeout=_SECONDS, trust_env=False)
        return answer.raise_for_status().text
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NoMetrics(f"{url}: no metrics ({type(error).__name__})") from error
