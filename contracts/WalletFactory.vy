# pragma version 0.4.3
"""
@title Makes wallets at addresses that are known before
@notice An address follows from the owners, the threshold and the salt: nobody can take it for other owners.
"""

interface SmartWallet:
    def initialize(owner: address): nonpayable

interface MultiSig:
    def initialize(owners: DynArray[address, 20], threshold: uint256): nonpayable

event SmartWalletMade:
    wallet: indexed(address)
    owner: indexed(address)

event MultiSigMade:
    wallet: indexed(address)
    threshold: uint256

SMART_WALLET: public(immutable(address))
MULTI_SIG: public(immutable(address))


@deploy
def __init__(smart_wallet: address, multi_sig: address):
    SMART_WALLET = smart_wallet
    MULTI_SIG = multi_sig


@external
def make_smart_wallet(owner: address, salt: bytes32) -> address:
    """
    @notice Make a wallet that one owner commands.
    """
    made: address = create_minimal_proxy_to(SMART_WALLET, salt=keccak256(abi_encode(owner, salt)))
    extcall SmartWallet(made).initialize(owner)
    log SmartWalletMade(wallet=made, owner=owner)
    return made


@external
def make_multi_sig(owners: DynArray[address, 20], threshold: uint256, salt: bytes32) -> address:
    """
    @notice Make a wallet that `threshold` of its owners command together.
    """
    made: address = create_minimal_proxy_to(MULTI_SIG, salt=keccak256(abi_encode(owners, threshold, salt)))
    extcall MultiSig(made).initialize(owners, threshold)
    log MultiSigMade(wallet=made, threshold=threshold)
    return made
