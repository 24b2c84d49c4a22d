"""``python -m release.sbom``: the bill of materials of the function's zip, in CycloneDX's JSON.

It is made from the zip's two locks, so that it is the same on every machine and changes with them and with the version
alone. The wheel carries it where PEP 770 has such files, in ``.dist-info/sboms``.
"""

import json
import re
import sys
import uuid
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from release.consistency import ROOT, version
from spapi_rotation.function_archive.third_party import LICENCES, REQUIREMENTS, Lock

FILE = ROOT / "release" / "function.cdx.json"

OWN = "spapi-rotation"
OWN_LICENCE = "Apache-2.0"

FILES_SHA256 = "spapi-rotation:files-sha256"
"""The property with the digest of a distribution's files in the zip, as third_party.lock.json has it."""

LICENCE_TEXTS = "spapi-rotation:licence-texts"
"""The property that says where in the zip a distribution's licence texts are."""

_PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)")
_VIA = re.compile(r"^ {4}# +(?:via )?(?:  )?([a-z0-9.-]+|-[cr] \S+)$")


class UnknownLicence(Exception):
    """A distribution of the zip whose licence is not known, or that is not installed here in the locked version."""


def licence(name: str, locked: str) -> str:
    """The SPDX expression of a distribution's licence, from the metadata of the same version installed here.

    Raises:
        UnknownLicence: it is not installed in that version, or tells no licence.
    """
    try:
        found = distribution(name)
    except PackageNotFoundError:
        raise UnknownLicence(f"{name} is not installed. Run: make .venv/.ready") from None
    if found.version != locked:
        raise UnknownLicence(f"{name} is {found.version} here and {locked} in the zip. Run: make .venv/.ready")
    told = _told(found, "License-Expression") or _told(found, "License")
    if told is None:
        raise UnknownLicence(f"The metadata of {name} {locked} tells no licence. Read its text, and name it here.")
    return told


def _told(found: Distribution, field: str) -> str | None:
    return next(iter(found.metadata.get_all(field) or ()), None)


def required_by(requirements: str) -> dict[str, set[str]]:
    """Who requires each pinned distribution, from the comments that uv writes below a pin. Ours is named ``OWN``."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in requirements.splitlines():
        if pin := _PIN.match(line):
            name = pin[1]
            found[name] = set()
        elif (via := _VIA.match(line)) and not via[1].startswith("-c "):
            found[name].add(OWN if via[1].startswith("-r ") else via[1])
    return found


def document() -> str:
    """The bill of materials.

    Raises:
        UnknownLicence: as of :func:`licence`.
    """
    lock = Lock.read()
    own = _component(OWN, version(), OWN_LICENCE, ComponentType.APPLICATION, ())
    parts = {
        name: _component(
            name,
            locked.version,
            licence(name, locked.version),
            ComponentType.LIBRARY,
            (
                Property(name=FILES_SHA256, value=locked.sha256),
                Property(name=LICENCE_TEXTS, value=f"{LICENCES}/{name}/"),
            ),
        )
        for name, locked in lock.distributions.items()
    }
    identity = f"{OWN}@{version()} {lock.sha256}"
    bom = Bom(components=parts.values(), serial_number=uuid.uuid5(uuid.NAMESPACE_URL, identity))
    bom.metadata.component = own
    _register(bom, own, parts, required_by(REQUIREMENTS.read_text(encoding="utf-8")))
    made = json.loads(JsonV1Dot6(bom).output_as_string())
    # The time at which it was made says nothing of the zip, and would be another one each time.
    del made["metadata"]["timestamp"]
    return json.dumps(made, indent=2, sort_keys=True) + "\n"


def _component(
    name: str, its_version: str, its_licence: str, kind: ComponentType, properties: Iterable[Property]
) -> Component:
    purl = PackageURL("pypi", None, name, its_version)
    return Component(
        type=kind,
        name=name,
        version=its_version,
        purl=purl,
        bom_ref=BomRef(purl.to_string()),
        licenses=[LicenseExpression(its_licence)],
        properties=properties,
    )


def _register(bom: Bom, own: Component, parts: Mapping[str, Component], requirers: Mapping[str, set[str]]) -> None:
    everything = {OWN: own, **parts}
    for name, component in everything.items():
        needed = [parts[each] for each, by in requirers.items() if name in by]
        bom.register_dependency(component, needed)


def main() -> None:
    """Write it."""
    try:
        text = document()
    except UnknownLicence as error:
        sys.exit(str(error))
    FILE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
