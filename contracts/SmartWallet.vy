# pragma version 0.4.3
"""
@title A wallet that one owner commands
@notice Made by the factory as a minimal proxy. Says who signed for it by EIP-1271.
"""

event OwnerSet:
    owner: indexed(address)

event Executed:
    target: indexed(address)
    value: uint256
    data: Bytes[8192]

event Received:
    sender: indexed(address)
    value: uint256

VALID: constant(bytes4) = 0x1626ba7e
INVALID: constant(bytes4) = 0xffffffff
# Of the two signatures that say the same, only the one with the smaller s counts.
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168

owner: public(address)


@deploy
def __init__():
    # The template itself is nobody's and stays so.
    self.owner = self


@external
def initialize(owner: address):
    """
    @notice Give a fresh proxy its owner. The factory does so in the transaction that makes it.
    """
    assert self.owner == empty(address), "already initialized"
    self._set_owner(owner)


@external
@payable
def __default__():
    log Received(sender=msg.sender, value=msg.value)


@external
@payable
@nonreentrant
def execute(target: address, amount: uint256, data: Bytes[8192]) -> Bytes[8192]:
    """
    @notice Call anything, with coins of this wallet.
    """
    assert msg.sender == self.owner, "only the owner"
    log Executed(target=target, value=amount, data=data)
    return raw_call(target, data, max_outsize=8192, value=amount)


@external
def set_owner(owner: address):
    """
    @notice Give the wallet away, at once and for good.
    """
    assert msg.sender == self.owner, "only the owner"
    self._set_owner(owner)


@external
@view
def isValidSignature(digest: bytes32, signature: Bytes[2048]) -> bytes4:
    """
    @notice Say whether the owner signed a digest (EIP-1271).
    """
    if len(signature) != 65:
        return INVALID
    r: uint256 = convert(slice(signature, 0, 32), uint256)
    s: uint256 = convert(slice(signature, 32, 32), uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    if s > HALF_ORDER or (v != 27 and v != 28):
        return INVALID
    signer: address = ecrecover(digest, v, r, s)
    if signer == empty(address) or signer != self.owner:
        return INVALID
    return VALID


@internal
def _set_owner(owner: address):
    assert owner != empty(address), "no owner"
    self.owner = owner
    log OwnerSet(owner=owner)
