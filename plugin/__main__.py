"""Hosts the component for programs in other languages. The engine runs this folder, as PulumiPlugin.yaml says.

It is the only module here: a folder that is run comes first on Python's path, and another one could hide a module of
the standard library.
"""

from spapi_rotation.packaged.server import main

if __name__ == "__main__":
    main()
