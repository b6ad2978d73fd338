"""Deployed models on their way into memory."""

import logging

from whence.api.service import Service
from whence.engine.messages import LoadRequest
from whence.errors import BusyError, WhenceError
from whence.platform.deployments import finish_loading, model_of_deployment, pending
from whence.platform.tables import Deployment

log = logging.getLogger("whence.api")


async def load(service: Service, deployment_id: str) -> None:
    """Have the model of a pending deployment in memory, and note that it is there or why it is not."""
    served = await service.in_session(
        lambda session: model_of_deployment(session, session.get_one(Deployment, deployment_id))
    )
    failure = None
    try:
        await service.engines.ask(served.target, LoadRequest(served.run))
    except BusyError:
        pass  # its engine is at work, so it is there
    except WhenceError as error:
        failure = str(error)
        log.warning("deployment failed", extra={"deployment": deployment_id, "error": failure})
    await service.in_session(lambda session: finish_loading(session, deployment_id, failure))


async def load_pending(service: Service) -> None:
    """Go on with the deployments that an earlier process left on their way."""
    for deployment in await service.in_session(pending):
        await load(service, deployment.id)
