"""Keccak-256 as Ethereum uses it: the sponge of SHA-3 with the padding from before the standard."""

_LANES = (1 << 64) - 1
_RATE = 136  # bytes absorbed at a time for a digest of 256 bits
_ROUNDS = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000, 0x000000000000808B,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008A, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000A, 0x000000008000808B, 0x800000000000008B, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)  # fmt: skip


def keccak_256(data: bytes) -> bytes:
    """Return the digest, 32 bytes."""
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % _RATE))
    padded[-1] |= 0x80
    state = [0] * 25
    for start in range(0, len(padded), _RATE):
        for lane in range(_RATE // 8):
            at = start + 8 * lane
            state[lane] ^= int.from_bytes(padded[at : at + 8], "little")
        state = _permuted(state)
    return b"".join(lane.to_bytes(8, "little") for lane in state[:4])


def _permuted(a: list[int]) -> list[int]:
    """Run the 24 rounds; lane ``x, y`` of the state is at ``x + 5 * y``."""
    for constant in _ROUNDS:
        columns = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        mixed = [columns[x - 1] ^ _rotated(columns[(x + 1) % 5], 1) for x in range(5)]
        a = [lane ^ mixed[at % 5] for at, lane in enumerate(a)]
        # Rho and pi walk through the lanes on one path, turning each further than the one before.
        x, y, carried = 1, 0, a[1]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            carried, a[x + 5 * y] = a[x + 5 * y], _rotated(carried, (step + 1) * (step + 2) // 2 % 64)
        a = [
            a[row + x] ^ (~a[row + (x + 1) % 5] & _LANES & a[row + (x + 2) % 5])
            for row in range(0, 25, 5)
            for x in range(5)
        ]
        a[0] ^= constant
    return a


def _rotated(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & _LANES
