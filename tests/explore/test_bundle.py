import re
import subprocess

import pytest

from vae_course.explore.bundle import STATIC, BundleError, bundle, script_safe


@pytest.fixture
def write(tmp_path):
    def write(**modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.mjs").write_text(text)
        return tmp_path

    return write


def run(node, source, tmp_path):
    file = tmp_path / "joined.mjs"
    file.write_text(source)
    done = subprocess.run([node, str(file)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_joined_modules_run_in_the_order_of_their_needs(write, node, tmp_path):
    folder = write(
        main='import { double } from "./b.mjs";\nimport { ONE,\n  two } from "./a.mjs";\n'
        "console.log(double(ONE + two()));\nexport function render() {}\nexport default { render };\n",
        b='import { ONE } from "./a.mjs";\nexport const double = (x) => 2 * x * ONE;\n',
        a="export const ONE = 1;\nexport function two() { return 2; }\n",
    )
    source = bundle("main.mjs", folder=folder)
    assert run(node, source, tmp_path) == "6"
    assert source.count("const ONE") == 1
    assert not re.search(r"^import", source, re.MULTILINE)
    assert re.findall(r"^export.*", source, re.MULTILINE) == ["export default { render };"]


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({"main": 'import { a } from "./x.mjs";\nconst a1 = 1;', "x": "export const a = 1;\nconst a1 = 2;"}, '"a1" is'),
        ({"main": 'import { a } from "./x.mjs";', "x": "const a = 1;"}, "does not export"),
        ({"main": 'import { a } from "./x.mjs";', "x": 'import { b } from "./main.mjs";\nexport const a = 1;'}, "each"),
        ({"main": 'import { a } from "./none.mjs";'}, "no such file"),
        ({"main": 'import a from "./x.mjs";', "x": "export default 1;"}, "cannot join"),
        ({"main": 'import * as a from "./x.mjs";', "x": "export const a = 1;"}, "cannot join"),
        ({"main": 'import { a as b } from "./x.mjs";', "x": "export const a = 1;"}, "does not export"),
        ({"main": 'const a = await import("./x.mjs");'}, "cannot join"),
        ({"main": 'import { a } from "./x.mjs";', "x": "export const a = 1;\nexport default { a };"}, "cannot join"),
        ({"main": "const { a, b } = c;"}, "one by one"),
        ({"main": "export { a };"}, "cannot join"),
        ({"main": "console.log(import.meta.url);"}, "cannot join"),
    ],
)
def test_what_cannot_be_joined_is_refused(write, modules, message):
    with pytest.raises(BundleError, match=message):
        bundle("main.mjs", folder=write(**modules))


def test_script_end_in_a_string_is_disarmed(write, node, tmp_path):
    assert "</script" not in script_safe("const a = '</script>';").lower()
    folder = write(main="console.log('</SCRIPT><!-- a', `</script>`, 1 < 2);")
    source = bundle("main.mjs", folder=folder)
    assert "</script" not in source.lower()
    assert "<!--" not in source
    assert run(node, source, tmp_path) == "</SCRIPT><!-- a </script> true"


@pytest.mark.parametrize(
    "entry",
    [
        "beta_explorer.mjs",
        "draw_digit.mjs",
        "latent_map.mjs",
        "latents.mjs",
        "linked_maps.mjs",
        "pcn_chain.mjs",
        "posterior_views.mjs",
        "training_scrubber.mjs",
    ],
)
def test_every_widget_joins_and_loads(entry, node, tmp_path):
    source = bundle(entry)
    assert "function mountPage" in source, "the page needs mountPage in the module's scope"
    assert run(node, source + "\nconsole.log(typeof render, typeof mountPage);", tmp_path) == "function function"
    assert not re.search(r"\b(eval|fetch|XMLHttpRequest|Function)\b\s*\(", source)
    assert all(file.suffix in {".mjs", ".css"} for file in STATIC.iterdir())
