"""Makes the function's zip anew: ``python -m spapi_rotation.function_archive``."""

import sys

from spapi_rotation.function_archive import function_zip
from spapi_rotation.function_archive.archive import CODE_FOLDER
from spapi_rotation.function_archive.third_party import UnusableFiles

if __name__ == "__main__":
    try:
        function_zip.make(CODE_FOLDER)
    except UnusableFiles as error:
        sys.exit(str(error))
