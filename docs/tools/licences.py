"""``docs/licences.md``: what is in the function's zip, and under which licences, from its bill of materials."""

import json

from docs.tools.pictures import DOCS
from release import sbom

FILE = DOCS / "licences.md"

_HEAD = """\
# What is in the function's zip

The rotation function is deployed as one zip, `function.zip`: the modules of `spapi_rotation_lambda`, which are this
project's ([Apache-2.0](../LICENSE)), and files of the distributions below. boto3 is not in it: Lambda's runtime has it.
Nothing is downloaded when the function runs or `pulumi up` deploys it.

`make docs` makes this page and the bill of materials for scanners,
[function.cdx.json](../release/function.cdx.json) (CycloneDX 1.6), from the zip's locks. Tests hold both to the zip's
real files: each file belongs to one of these distributions in this version, and each licence is the one whose text the
zip carries.

"""


def document() -> str:
    """The whole page."""
    rows = ["| distribution | version | licence | its text, in the zip |", "| --- | --- | --- | --- |"]
    for each in json.loads(sbom.FILE.read_text(encoding="utf-8"))["components"]:
        told = {entry["name"]: entry["value"] for entry in each["properties"]}
        (licence,) = each["licenses"]
        rows.append(
            f"| `{each['name']}` | {each['version']} | {licence['expression']} | `{told[sbom.LICENCE_TEXTS]}` |"
        )
    return _HEAD + "\n".join(rows) + "\n"
