"""pip-audit, for an index that tells the weaknesses of a package's newest version only.

pip-audit asks for a version of a package. Where that page is not there, the package's own page speaks of its newest
version: it answers if that is the one. Otherwise pip-audit says that it could not audit the package.

Runs in pip-audit's own virtual environment.
"""

import re
import sys
from typing import Any

from packaging.version import Version
from pip_audit._cli import audit
from pip_audit._service import pypi


def main() -> None:
    """Run pip-audit's own command."""
    make_session = pypi.caching_session

    def session_that_asks_again(*given: Any, **named: Any) -> Any:
        session = make_session(*given, **named)

        def ask_again(response: Any, **_: Any) -> Any:
            page = re.fullmatch(r"(.+/pypi/[^/]+)/([^/]+)/json", response.url)
            if response.status_code != 404 or page is None:
                return response
            newest = session.get(f"{page[1]}/json", timeout=60)
            same = newest.ok and Version(newest.json()["info"]["version"]) == Version(page[2])
            return newest if same else response

        session.hooks["response"].append(ask_again)
        return session

    pypi.caching_session = session_that_asks_again
    sys.exit(audit())


if __name__ == "__main__":
    main()
