"""A session of AWS on botocore alone: boto3 adds nothing that the function uses, and takes long to import."""

from typing import Any

import botocore.session
from botocore.config import Config


class BotocoreSession:
    """Makes clients as a session of boto3 does, with region and credentials of the environment."""

    def __init__(self) -> None:
        self._session = botocore.session.get_session()

    @property
    def region_name(self) -> str:
        """The region."""
        return str(self._session.get_config_variable("region"))

    def client(self, service: str, *, config: Config) -> Any:
        """A client of a service, by botocore's name."""
        return self._session.create_client(service, config=config)
