"""Keys: who has one may give others of the team theirs, and take them back."""

from fastapi import APIRouter

from whence.api.auth import Asking, Open
from whence.api.schemas.keys import KeyAnswer, KeyList, NewKeyAnswer
from whence.errors import ConflictError
from whence.platform.keys import create_key, keys_of, name_of, revoke_own
from whence.platform.tables import Key

router = APIRouter(prefix="/whence/keys", tags=["Keys"])


def answer(key: Key) -> KeyAnswer:
    """A key as an answer."""
    return KeyAnswer(id=key.id, created_at=key.created_at, revoked_at=key.revoked_at)


@router.get("", summary="List the keys of your team", operation_id="list_keys")
def listed(caller: Asking, service: Open) -> KeyList:
    """The caller's team and its keys, revoked ones among them."""
    with service.database.session() as session:
        data = [answer(key) for key in keys_of(session, caller.team)]
        return KeyList(team=name_of(session, caller.team), current=caller.key, data=data)


@router.post("", summary="Create a key", operation_id="create_key")
def create(caller: Asking, service: Open) -> NewKeyAnswer:
    """Another key of the caller's team. On a service without keys the first is made by who runs it, since from then on
    nothing is answered without one."""
    if caller.key is None:
        raise ConflictError("This service has no keys yet. Whoever runs it makes the first with: whence keys create")
    with service.database.session() as session:
        made = create_key(session, name_of(session, caller.team))
    return NewKeyAnswer(id=made.id, team=made.team, key=made.key)


@router.delete("/{key_id}", summary="Revoke a key", operation_id="revoke_key")
def revoke(key_id: str, caller: Asking, service: Open) -> KeyAnswer:
    """A key of the caller's team, which opens nothing from now on. The one in use cannot be revoked with itself."""
    with service.database.session() as session:
        return answer(revoke_own(session, caller.team, key_id, caller.key))
