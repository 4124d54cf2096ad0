"""MCP over standard input and output, for a client that starts Stoa itself."""

from mcp.server.stdio import stdio_server

from interfaces.mcp.server import StoaServer


async def serve_stdio(server: StoaServer) -> None:
    """Serve one client until it closes our input. Standard output belongs to the protocol: log to standard error."""
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())
