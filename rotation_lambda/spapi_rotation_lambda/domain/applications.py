"""Which secret belongs to a client id: the component's own by its name, an adopted one by an explicit map."""

import json
from collections.abc import Mapping
from typing import Any

from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.domain.model import Application, KeyNames
from spapi_rotation_lambda.settings import Env, Settings


def application(settings: Settings, client_id: str, name: str | None = None) -> Application:
    """The application of a valid client id; its cost does not depend on how many there are.

    Args:
        name: what people call it; the client id if not given.

    Raises:
        BadSettings: the map of adopted secrets is not usable.
    """
    adopted = adopted_secrets(settings.adopted_secrets).get(client_id)
    if adopted is None:
        return Application(name or client_id, client_id, f"{settings.secret_prefix}/{client_id}")
    return Application(name or client_id, client_id, adopted[0], adopted[1])


def adopted_secrets(text: str) -> dict[str, tuple[str, KeyNames]]:
    """Read ``{client_id: {"secret_arn": ARN, "keys": {ours: the owner's}}}``; empty for an empty text.

    Raises:
        BadSettings: it is something else.
    """
    try:
        data: Mapping[str, Mapping[str, Any]] = json.loads(text) if text else {}
        return {
            client_id: (str(entry["secret_arn"]), KeyNames(**entry.get("keys", {})))
            for client_id, entry in data.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadSettings(
            f"{Env.ADOPTED_SECRETS} is not a map of client ids to secrets.",
            remedy="Deploy the function with the ClientSecretRotation component; never edit its variables.",
        ) from None
