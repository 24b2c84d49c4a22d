"""``python -m docs.tools``: renew every picture and table in ``docs/`` that is made from something else."""

from docs.tools import outputs, permissions, settings
from docs.tools.pictures import PICTURES, draw
from tests.engine.fault_scenarios import suite
from tests.sandbox import observable


def main() -> None:
    """Write them all."""
    for source in PICTURES:
        source.with_suffix(".svg").write_text(draw(source), encoding="utf-8")
    permissions.FOLDER.mkdir(exist_ok=True)
    for name, text in permissions.texts().items():
        (permissions.FOLDER / name).write_text(text)
    suite.DOCS.write_text(suite.docs_with_table(suite.DOCS.read_text()))
    observable.DOCS.write_text(observable.document())
    outputs.FILE.write_text(outputs.with_outputs(outputs.FILE.read_text()))
    settings.FILE.write_text(settings.with_configuration(settings.FILE.read_text()))


if __name__ == "__main__":
    main()
