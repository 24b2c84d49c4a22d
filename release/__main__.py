"""``python -m release TAG``: print the notes of the release that a tag stands for, or what keeps it from being one."""

import argparse
import sys

from release.changelog import Changelog, notes
from release.consistency import ROOT, problems


def main() -> None:
    """Exits with 1 and the list of what is to be done if the tag may not be released."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("tag", help="such as v0.1.0")
    parser.add_argument("--repository", help="the repository's https address, for links that lead there")
    arguments = parser.parse_args()
    found = problems(arguments.tag)
    if found:
        sys.exit("\n".join(found))
    newest = Changelog.read(ROOT / "CHANGELOG.md").versions[0]
    sys.stdout.write(notes(newest, arguments.repository))


if __name__ == "__main__":
    main()
