"""What a release needs beside the build: whether everything names its version, its notes, and what is in its zip."""
