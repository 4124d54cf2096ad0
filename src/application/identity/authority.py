"""Whose role decides what a caller may do to the roles of others."""

from application.identity.roles import scopes_of
from application.kernel.actor import TENANT_SCOPES, ActorKind
from application.kernel.unit_of_work import IUnitOfWork
from domain.identity.membership import Membership, Role
from domain.identity.specifications import members_with
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import OrganizationId


async def own_role(uow: IUnitOfWork) -> Role:
    """Return the role up to which the caller may give, take and touch roles.

    A person's is read anew in this transaction: who was demoted a moment ago decides nothing any more. A key that may
    do everything an admin may do counts as one; any other key that is let near members counts as a member, and so
    never makes anybody stronger than that. Operators and workers stand above all roles.

    Raises:
        EntityNotFoundError: the person is no member.
    """
    actor = uow.actor
    if actor.user_id is not None:
        return (await own_membership(uow)).role
    if actor.kind is ActorKind.API_KEY:
        return Role.ADMIN if actor.scopes >= scopes_of(Role.ADMIN) & TENANT_SCOPES else Role.MEMBER
    return Role.OWNER


async def own_membership(uow: IUnitOfWork) -> Membership:
    """Return the signed-in person's membership of the organization that the unit of work is in.

    Raises:
        InsufficientPermissions: nobody is signed in.
        EntityNotFoundError: the person is no member.
    """
    membership = await uow.memberships.get_by_user(uow.actor.person)
    if membership is None:
        raise EntityNotFoundError
    return membership


async def locked_owners(uow: IUnitOfWork, organization_id: OrganizationId) -> int:
    """Hold the organization until the transaction ends, and return how many owners it has.

    Whatever changes who belongs to an organization comes through here before it reads a membership, so that two
    owners cannot leave at the same moment, each in the belief that the other one stays.
    """
    await uow.organizations.get(organization_id, lock=True)
    return await uow.memberships.count(members_with(role=Role.OWNER))
