# pragma version 0.4.3
"""
@title A token for tests, as stablecoins are: ERC-20 with transfers that the holder only signs (EIP-3009)
@notice Anybody may mint. It is worth nothing.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

event AuthorizationUsed:
    authorizer: indexed(address)
    nonce: indexed(bytes32)

event AuthorizationCanceled:
    authorizer: indexed(address)
    nonce: indexed(bytes32)

NAME: constant(String[16]) = "Stoa Test Dollar"
VERSION: constant(String[1]) = "2"
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168
DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
TRANSFER_TYPE: constant(bytes32) = keccak256(
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
CANCEL_TYPE: constant(bytes32) = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)")

name: public(constant(String[16])) = NAME
symbol: public(constant(String[4])) = "STUD"
version: public(constant(String[1])) = VERSION
decimals: public(constant(uint8)) = 6
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
authorizationState: public(HashMap[address, HashMap[bytes32, bool]])


@external
def mint(receiver: address, amount: uint256):
    self.totalSupply += amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=empty(address), receiver=receiver, value=amount)


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self._move(msg.sender, receiver, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    assert self.allowance[owner][msg.sender] >= amount, "allowance exceeded"
    self.allowance[owner][msg.sender] -= amount
    self._move(owner, receiver, amount)
    return True


@external
def transferWithAuthorization(
    sender: address, receiver: address, amount: uint256, valid_after: uint256, valid_before: uint256, nonce: bytes32,
    v: uint8, r: bytes32, s: bytes32,
):
    assert block.timestamp > valid_after, "authorization not yet valid"
    assert block.timestamp < valid_before, "authorization expired"
    signed: bytes32 = keccak256(
        abi_encode(TRANSFER_TYPE, sender, receiver, amount, valid_after, valid_before, nonce)
    )
    self._use(sender, nonce, signed, v, r, s)
    log AuthorizationUsed(authorizer=sender, nonce=nonce)
    self._move(sender, receiver, amount)


@external
def cancelAuthorization(authorizer: address, nonce: bytes32, v: uint8, r: bytes32, s: bytes32):
    self._use(authorizer, nonce, keccak256(abi_encode(CANCEL_TYPE, authorizer, nonce)), v, r, s)
    log AuthorizationCanceled(authorizer=authorizer, nonce=nonce)


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    return self._separator()


@internal
@view
def _separator() -> bytes32:
    return keccak256(abi_encode(DOMAIN_TYPE, keccak256(NAME), keccak256(VERSION), chain.id, self))


@internal
def _use(authorizer: address, nonce: bytes32, signed: bytes32, v: uint8, r: bytes32, s: bytes32):
    assert not self.authorizationState[authorizer][nonce], "authorization is used or canceled"
    assert convert(s, uint256) <= HALF_ORDER and (v == 27 or v == 28), "invalid signature"
    signer: address = ecrecover(keccak256(concat(b"\x19\x01", self._separator(), signed)), v, r, s)
    assert signer != empty(address) and signer == authorizer, "invalid signature"
    self.authorizationState[authorizer][nonce] = True


@internal
def _move(sender: address, receiver: address, amount: uint256):
    assert receiver != empty(address), "no receiver"
    assert self.balanceOf[sender] >= amount, "balance exceeded"
    self.balanceOf[sender] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=sender, receiver=receiver, value=amount)
