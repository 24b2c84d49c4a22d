"""``python -m docs.tools``: renew every picture and table in ``docs/`` that is made from something else."""

from docs.tools import cost, dashboard, due_to_live, events, licences, permissions, reference, runbook, schema, settings
from docs.tools.pictures import PICTURES, draw
from docs.tools.terminals import FOLDER, TERMINALS
from release import sbom
from tests.engine.fault_scenarios import suite
from tests.sandbox import observable


def main() -> None:
    """Write them all."""
    for source in PICTURES:
        source.with_suffix(".svg").write_text(draw(source), encoding="utf-8")
    for name, draw_terminal in TERMINALS.items():
        (FOLDER / name).write_text(draw_terminal(), encoding="utf-8")
    permissions.FOLDER.mkdir(exist_ok=True)
    for name, text in permissions.texts().items():
        (permissions.FOLDER / name).write_text(text)
    suite.DOCS.write_text(suite.docs_with_table(suite.DOCS.read_text()))
    observable.DOCS.write_text(observable.document())
    dashboard.FILE.write_text(dashboard.picture(), encoding="utf-8")
    due_to_live.FILE.write_text(due_to_live.picture(due_to_live.PAGE.read_text()), encoding="utf-8")
    runbook.FILE.write_text(runbook.document(), encoding="utf-8")
    events.FILE.write_text(events.document())
    sbom.main()
    cost.FILE.write_text(cost.document())
    licences.FILE.write_text(licences.document())
    for page in (reference.README, reference.REFERENCE):
        page.write_text(reference.with_tables(page.read_text(), page))
    schema.FILE.write_text(schema.document(), encoding="utf-8")
    settings.FILE.write_text(settings.with_configuration(settings.FILE.read_text()))


if __name__ == "__main__":
    main()
