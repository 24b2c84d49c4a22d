"""The function's code as a Pulumi archive, file by file: the same bytes on every machine."""

from pathlib import Path

import pulumi

import spapi_rotation_lambda
from spapi_rotation.errors import UnusableArchive
from spapi_rotation.function_archive import third_party

CODE_FOLDER = Path(spapi_rotation_lambda.__file__).parent


def own_files() -> dict[str, Path]:
    """The function's own modules, by their path in the archive."""
    return {file.relative_to(CODE_FOLDER.parent).as_posix(): file for file in sorted(CODE_FOLDER.rglob("*.py"))}


def archive_files() -> dict[str, Path]:
    """Every file of the function, by its path in the archive, sorted: own modules, locked third-party files.

    Raises:
        UnusableArchive: the third-party files at hand are not the locked ones.
    """
    try:
        locked = third_party.locked_files()
    except third_party.NotLocked as error:
        raise UnusableArchive(error.args[0], remedy=error.remedy) from None
    return dict(sorted({**locked, **own_files()}.items()))


def function_code() -> pulumi.AssetArchive:
    """The archive for the function.

    Pulumi hashes names and contents only, so that the place and time of the files do not matter.

    Raises:
        UnusableArchive: the third-party files at hand are not the locked ones.
    """
    return pulumi.AssetArchive({path: pulumi.FileAsset(str(file.resolve())) for path, file in archive_files().items()})
