"""The function's code as Pulumi uploads it: one zip file, the same bytes on every machine."""

from pathlib import Path

import pulumi

import spapi_rotation_lambda
from spapi_rotation.errors import UnusableArchive
from spapi_rotation.function_archive import function_zip
from spapi_rotation.function_archive.third_party import UnusableFiles

CODE_FOLDER = Path(spapi_rotation_lambda.__file__).parent


def function_code() -> pulumi.FileArchive:
    """The archive for the function.

    Pulumi hashes the bytes of a zip, not its path: where the package is installed does not matter.

    Raises:
        UnusableArchive: the zip is missing, or not made from the modules at hand and the locked third-party files.
    """
    try:
        function_zip.validate(CODE_FOLDER)
    except UnusableFiles as error:
        raise UnusableArchive(error.args[0], remedy=error.remedy) from None
    return pulumi.FileArchive(str(function_zip.ZIP_FILE.resolve()))
