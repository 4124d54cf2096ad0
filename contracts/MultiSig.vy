# pragma version 0.4.3
"""
@title A wallet that some of its owners command together
@notice Made by the factory as a minimal proxy. What one owner proposes is executed once enough of them have confirmed.
"""

event Initialized:
    owners: DynArray[address, 20]
    threshold: uint256

event Proposed:
    id: indexed(uint256)
    owner: indexed(address)
    target: indexed(address)
    value: uint256
    data: Bytes[4096]

event Confirmed:
    id: indexed(uint256)
    owner: indexed(address)

event Revoked:
    id: indexed(uint256)
    owner: indexed(address)

event Executed:
    id: indexed(uint256)
    owner: indexed(address)

event Received:
    sender: indexed(address)
    value: uint256

struct Proposal:
    target: address
    value: uint256
    data: Bytes[4096]
    confirmations: uint256
    executed: bool

owners: DynArray[address, 20]
threshold: public(uint256)
is_owner: public(HashMap[address, bool])
proposal_count: public(uint256)
proposals: HashMap[uint256, Proposal]
has_confirmed: public(HashMap[uint256, HashMap[address, bool]])


@deploy
def __init__():
    # The template itself is nobody's and stays so: with a threshold nobody can reach.
    self.threshold = max_value(uint256)


@external
def initialize(owners: DynArray[address, 20], threshold: uint256):
    """
    @notice Give a fresh proxy its owners. The factory does so in the transaction that makes it.
    """
    assert self.threshold == 0, "already initialized"
    assert threshold > 0 and threshold <= len(owners), "threshold out of range"
    for owner: address in owners:
        assert owner != empty(address) and owner != self, "no owner"
        assert not self.is_owner[owner], "owner named twice"
        self.is_owner[owner] = True
    self.owners = owners
    self.threshold = threshold
    log Initialized(owners=owners, threshold=threshold)


@external
@payable
def __default__():
    log Received(sender=msg.sender, value=msg.value)


@external
def propose(target: address, amount: uint256, data: Bytes[4096]) -> uint256:
    """
    @notice Propose a call, and confirm it. Proposals are numbered from 0.
    """
    assert self.is_owner[msg.sender], "only an owner"
    id: uint256 = self.proposal_count
    self.proposal_count = id + 1
    self.proposals[id] = Proposal(target=target, value=amount, data=data, confirmations=0, executed=False)
    log Proposed(id=id, owner=msg.sender, target=target, value=amount, data=data)
    self._confirm(id)
    return id


@external
def confirm(id: uint256):
    """
    @notice Agree to a proposal.
    """
    assert self.is_owner[msg.sender], "only an owner"
    self._check_open(id)
    assert not self.has_confirmed[id][msg.sender], "already confirmed"
    self._confirm(id)


@external
def revoke(id: uint256):
    """
    @notice Take one's agreement back, as long as the proposal is not executed.
    """
    self._check_open(id)
    assert self.has_confirmed[id][msg.sender], "not confirmed"
    self.has_confirmed[id][msg.sender] = False
    self.proposals[id].confirmations -= 1
    log Revoked(id=id, owner=msg.sender)


@external
@nonreentrant
def execute(id: uint256) -> Bytes[4096]:
    """
    @notice Execute a proposal that enough owners have confirmed; it never is again.
    """
    assert self.is_owner[msg.sender], "only an owner"
    self._check_open(id)
    assert self.proposals[id].confirmations >= self.threshold, "not enough confirmations"
    self.proposals[id].executed = True
    log Executed(id=id, owner=msg.sender)
    return raw_call(
        self.proposals[id].target, self.proposals[id].data, max_outsize=4096, value=self.proposals[id].value
    )


@external
@view
def proposal(id: uint256) -> Proposal:
    """
    @notice Return a proposal.
    """
    assert id < self.proposal_count, "no such proposal"
    return self.proposals[id]


@external
@view
def all_owners() -> DynArray[address, 20]:
    """
    @notice Return the owners, in the order they were named.
    """
    return self.owners


@internal
@view
def _check_open(id: uint256):
    assert id < self.proposal_count, "no such proposal"
    assert not self.proposals[id].executed, "already executed"


@internal
def _confirm(id: uint256):
    self.has_confirmed[id][msg.sender] = True
    self.proposals[id].confirmations += 1
    log Confirmed(id=id, owner=msg.sender)
