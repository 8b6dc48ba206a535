"""Proof that the checks which the explorers' tests share can fail."""

import explorer_pages as pages
import pytest

pytestmark = pytest.mark.browser


class Figure:
    """Stands in for an explorer: its module renders as it is told to, its page says that all is well."""

    payload = None

    def __init__(self, render=""):
        self.module = f"export default {{render({{model, el}}) {{ {render} }}}};"

    def get_state(self):
        return {"_esm": self.module}

    def to_html(self):
        data = '<script type="application/json">{"kind":"a"}</script>'
        return f'<p role="alert">Fine</p><p class="explore-static">Fine</p>{data}'


def visit(browser, folder, body):
    with pages.offline_pages(browser, pages.write_page(folder, "Page", body), ready="document.body") as open_page:
        return pages.axe_violations(open_page())


@pytest.mark.parametrize(
    "body",
    [
        "<script>console.log('trouble')</script>",
        "<script>console.error('trouble')</script>",
        "<script>throw new Error('trouble')</script>",
        "<script>Promise.reject(new Error('trouble'))</script>",
        "<script>fetch('http://trouble.invalid/').catch(() => 0)</script>",
        "<img alt='' src='trouble.png'>",
    ],
)
def test_every_fault_of_a_page_is_noticed(browser, tmp_path, body):
    with pytest.raises(AssertionError, match="trouble"):
        visit(browser, tmp_path, body)


def test_a_page_without_a_fault_passes_and_axe_sees_what_is_wrong(browser, tmp_path):
    assert visit(browser, tmp_path, "<p>Good</p>") == []
    assert "button-name" in visit(browser, tmp_path, "<button></button>")[0]


RENDER = """
    const heard = () => 0;
    const act = () => { model.set("a", 1); model.save_changes(); };
    model.on("change:a", heard);
    el.append(...Array.from({length: 30}, () => document.createElement("p")));
    const all = [...el.children];
    for (const each of all) each.addEventListener("click", act);
    return () => { STOP };
"""
STOP = {
    "model": "model.off('change:a', heard);",
    "page": "for (const each of all) each.removeEventListener('click', act);",
    "elements": "el.replaceChildren();",
}


@pytest.mark.parametrize("left_out", [None, *STOP])
def test_what_a_stopped_widget_leaves_behind_is_noticed(browser, tmp_path, left_out):
    figure = Figure(RENDER.replace("STOP", "".join(undo for part, undo in STOP.items() if part != left_out)))
    steps = "({el}) => { const one = el.firstChild; one.click(); return [el.childElementCount, () => one.click()]; }"
    with pages.offline_pages(browser, pages.write_page(tmp_path, "Page", ""), ready="document.body") as open_page:
        if left_out:
            with pytest.raises(AssertionError, match=left_out):
                pages.run_as_widget(open_page(), figure, {"a": 0}, steps)
        else:
            assert pages.run_as_widget(open_page(), figure, {"a": 0}, steps) == {
                "seen": 30,
                "values": {"a": 1},
                "saved": 1,
            }


def test_broken_data_that_nobody_mentions_are_noticed(browser, tmp_path):
    with pytest.raises(AssertionError, match="cut"):
        pages.assert_broken_data_are_said(browser, tmp_path, Figure(), "cannot be drawn", short=())
