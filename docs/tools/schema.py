"""``plugin/schema.json``: the package's schema, from which programs in other languages get their SDK."""

import json

from docs.tools.pictures import DOCS
from spapi_rotation.packaged.provider import PackagedComponent

FILE = DOCS.parent / "plugin" / "schema.json"


def document() -> str:
    """The schema as the plugin gives it."""
    return json.dumps(json.loads(str(PackagedComponent().schema)), indent=2, ensure_ascii=False) + "\n"
