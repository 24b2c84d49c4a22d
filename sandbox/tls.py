"""A throw-away certificate for loopback, so that everything in the sandbox speaks TLS as it does on AWS."""

from dataclasses import dataclass
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class LoopbackCertificate:
    """Files in PEM form of a server certificate for ``localhost`` and ``127.0.0.1``.

    Attributes:
        certificate: the server's certificate (with its chain).
        key: the server's private key, readable by its owner only.
        authority: the certificate of the authority that signed it, the one file clients must trust.
    """

    certificate: Path
    key: Path
    authority: Path


def make_loopback_certificate(folder: Path) -> LoopbackCertificate:
    """Make a new authority and a server certificate and write them into ``folder``.

    The authority's key is never written: no further certificate can be made with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="spapi-rotation sandbox")
    server = authority.issue_cert(*NAMES)
    files = LoopbackCertificate(folder / "server.crt", folder / "server.key", folder / "ca.pem")
    files.key.touch(mode=0o600)
    server.private_key_pem.write_to_path(files.key)
    for number, link in enumerate(server.cert_chain_pems):
        link.write_to_path(files.certificate, append=number > 0)
    authority.cert_pem.write_to_path(files.authority)
    return files
