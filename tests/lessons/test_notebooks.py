"""Every lesson runs as a notebook, in a real kernel, and shows its figures inline."""

import pytest

from minigrad.classroom import catalogue

from .scripts import LESSONS

pytest.importorskip("jupytext", reason="the extra notebook isn't installed")
nbclient = pytest.importorskip("nbclient", reason="the extra notebook isn't installed")
pytest.importorskip("ipykernel", reason="the extra notebook isn't installed")

#: By far more than the minute that a lesson may take, as machines that run tests are busy.
LIMIT = 300


def written(path, folder):
    import nbformat

    from minigrad.classroom.notebook import write_notebooks

    return nbformat.read(*write_notebooks([catalogue.read(path)], folder), as_version=4)


@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_a_notebook_has_the_lessons_cells(path, tmp_path):
    cells = written(path, tmp_path).cells
    assert sum(cell.cell_type == "markdown" for cell in cells) >= 5
    assert sum(cell.cell_type == "code" for cell in cells) >= 5
    with pytest.raises(ValueError, match="left as it is"):
        written(path, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [f"{path.stem}.ipynb"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the kernel's own libraries
@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_a_notebook_runs_and_shows_its_figures(path, tmp_path):
    notebook = written(path, tmp_path)
    nbclient.NotebookClient(notebook, timeout=LIMIT, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    images = [output for output in outputs if "image/png" in output.get("data", {})]
    assert images
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "Conclusion" in text
    assert [p.name for p in tmp_path.iterdir()] == [f"{path.stem}.ipynb"]  # nothing is saved
