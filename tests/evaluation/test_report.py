"""The report in all its forms: a contract for programs, tables for people, a page that is safe to open."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from evaluation.small_sets import ALWAYS, NEVER, experiment, reader, small_set

from ranit_rag.errors import DataError, InputError
from ranit_rag.evaluation.comparison import compare_reports, comparison_table
from ranit_rag.evaluation.data_sets import EvaluationSet
from ranit_rag.evaluation.experiment import run_experiment
from ranit_rag.evaluation.report.charts import charts
from ranit_rag.evaluation.report.document import Report, read_report, report_from, report_schema
from ranit_rag.evaluation.report.markdown import report_markdown
from ranit_rag.evaluation.report.page import report_page
from ranit_rag.evaluation.report.svg import COLOURS, Chart, ticks
from ranit_rag.evaluation.report.tables import details, overview
from ranit_rag.types import Entity, Example

Measured = tuple[Report, list[dict[str, object]]]
HOSTILE = "</script><script>alert(1)</script> | Ada\u2028<b>"


def hostile_set() -> EvaluationSet:
    """A set whose text, type and name would break a page that trusted them."""
    example = Example(HOSTILE, (Entity("Ada", "</title><x>|", HOSTILE.index("Ada"), HOSTILE.index("Ada") + 3),))
    return EvaluationSet("<i>|set", "zh", ("</title><x>|",), (example,), (), "test", 1)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Two sets in two languages, one of them hostile."""
    news = small_set()
    rows = io.StringIO()
    planned = replace(experiment(reader(news), [news, hostile_set()], [NEVER, ALWAYS]), prices=(1.0, 0.5, 2.0))
    report = run_experiment(planned, tmp_path_factory.mktemp("report") / "journal", texts=rows)
    return report, [json.loads(line) for line in rows.getvalue().splitlines()]


def test_json_obeys_the_schema_that_is_shipped(measured: Measured) -> None:
    schema = json.loads((files("ranit_rag") / "schemas" / "evaluation.v1.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    content = json.loads(json.dumps(measured[0].to_dict(), allow_nan=False))
    jsonschema.validate(content, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**content, "extra": 1}, schema)
    assert report_from(content) == measured[0], "what is read is what was written"


def test_the_schema_that_is_shipped_is_that_of_the_code() -> None:
    """If this fails the contract changed: write the schema anew under the next version, or undo the change."""
    shipped = json.loads((files("ranit_rag") / "schemas" / "evaluation.v1.json").read_text("utf-8"))
    assert shipped == json.loads(json.dumps(report_schema()))


def test_a_file_that_is_no_report_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"report": "ranit-evaluation.v0"}')
    with pytest.raises(DataError, match=r"no report of ranit-evaluation\.v1"):
        read_report(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        read_report(tmp_path / "absent.json")


def test_every_table_has_a_cell_under_each_heading(measured: Measured) -> None:
    tables = [*overview(measured[0]), *details(measured[0])]
    assert all(len(row) == len(table.head) for table in tables for row in table.rows)
    titles = [table.title for table in tables]
    assert titles[:3] == ["F1 over all sets (2)", "F1 over English (1)", "F1 over Chinese (1)"]


def test_markdown_tables_hold_whatever_a_name_holds(measured: Measured) -> None:
    for block in report_markdown(measured[0]).split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1


def test_plots_are_xml_and_stay_within_their_frame(measured: Measured) -> None:
    drawn = charts(measured[0])
    assert {"f1-by-arm", "f1-by-arm-en", "routes", "cost", "calibration", "abstention"} <= set(drawn)
    for chart in drawn.values():
        root = ElementTree.fromstring(chart.to_svg())
        for mark in root.iter("{http://www.w3.org/2000/svg}circle"):
            assert -1 <= float(mark.get("cx", "nan")) <= chart.width
            assert -1 <= float(mark.get("cy", "nan")) <= chart.height


def test_no_text_of_the_data_gets_out_of_its_place(measured: Measured) -> None:
    page = report_page(*measured)
    assert page.count("<script") == 2, "the rows and the page's own script"
    assert page.count("</script>") == 2
    assert "<x>" not in page
    assert "<i>|set" not in page
    assert "src=" not in page.replace("default-src=", "")
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_a_notebook_shows_the_summary_with_its_plot(measured: Measured) -> None:
    shown = measured[0]._repr_html_()
    assert all(arm.name in shown for arm in measured[0].arms)
    assert shown.count("<svg") == 1
    assert shown.count("<table") == len(overview(measured[0])) + 3
    assert "<script" not in shown
    assert "<x>" not in shown
    assert "<i>|set" not in shown


def test_reports_on_the_same_texts_are_compared(tmp_path: Path, measured: Measured) -> None:
    report = measured[0]
    found = compare_reports(report, report, ["none", "always nn k2 own all alone"])
    assert [each.set for each in found] == ["news", "<i>|set", "all sets"]
    assert all(each.comparison.difference.value == 0 and each.comparison.p_value == 1 for each in found)
    table = comparison_table(found)
    assert all(len(row) == len(table.head) for row in table.rows)
    with pytest.raises(InputError, match="with itself"):
        compare_reports(report, report)
    with pytest.raises(InputError, match="no arm 'x'"):
        compare_reports(report, report, ["x", "none"])
    news = small_set(texts=5)
    other = run_experiment(experiment(reader(news), [news], [NEVER]), tmp_path / "journal")
    with pytest.raises(InputError, match="not on the same texts"):
        compare_reports(report, other)


def test_every_series_of_a_chart_looks_otherwise() -> None:
    looks = set()
    for series in range(2 * len(COLOURS)):
        chart = Chart("scores", 100)
        chart.line([(0, 0), (1, 1)], series)
        chart.dot(1, 1, series)
        looks.add(chart.to_svg())
    assert len(looks) == 2 * len(COLOURS)


def test_ticks_are_round_and_within_the_range() -> None:
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(0.231, 0.287) == [0.24, 0.26, 0.28]
    assert ticks(0, 5230) == [0, 2000, 4000]
    assert ticks(1, 1) == [1]
