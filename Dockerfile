# One image for API, worker and migrations: `stoa` is its entry point, `serve` what it does unless told otherwise.
FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m pip install --quiet --no-cache-dir --root-user-action ignore --target /uv 'uv>=0.13,<0.14'
COPY requirements-runtime.lock pyproject.toml README.md ./
RUN /uv/bin/uv venv --quiet .venv
RUN /uv/bin/uv pip sync --quiet --compile-bytecode --require-hashes --python .venv/bin/python requirements-runtime.lock
COPY alembic.ini ./
COPY alembic ./alembic
COPY src ./src
RUN /uv/bin/uv pip install --quiet --no-deps --python .venv/bin/python --editable .

FROM python:3.13-slim
# Sockets, anchors and mails belong to this user; nothing else in the image can be written by it.
RUN useradd --system --uid 10001 --home-dir /data stoa && install --directory --owner stoa /data
WORKDIR /app
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH PYDANTIC_DISABLE_PLUGINS=__all__ PYTHONUNBUFFERED=1
ENV STOA_DATA_DIR=/data STOA_HOST=0.0.0.0 STOA_PORT=8000
USER stoa
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["stoa"]
CMD ["serve"]
