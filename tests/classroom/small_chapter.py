"""The source of a small chapter with two exercises, as the book writes them."""

from __future__ import annotations

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NAME = "03-small"
STATEMENTS = """\
Some text.

```{exercise} Count
:label: ex-count
*Difficulty 1, 2 minutes.* How many numbers?
```
"""
BETWEEN = """\
````{solution} ex-count
:class: dropdown
```python
def count_outputs(latent_dim):
    return 2 * latent_dim  # a mean and a log-variance
```
Two heads.
````

```{exercise} KL
:label: ex-kl
*Difficulty 2, 10 minutes.* Give the KL.
```
"""
LAST = """\
````{solution} ex-kl
:class: dropdown
```python
def kl_standard_normal(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)
```
A sum.
````

The end.
"""


def small_notebook():
    """The source, as a chapter of the book is."""
    return new_notebook(
        cells=[
            new_markdown_cell("# How small?"),
            new_code_cell("import math\n\nimport torch\n\nfrom vae_course import exercises"),
            new_markdown_cell(STATEMENTS),
            new_code_cell(
                'def count_outputs(latent_dim):\n    return ...\n\n\nexercises.check("count_outputs", count_outputs)'
            ),
            new_markdown_cell(BETWEEN),
            new_code_cell(
                "def kl_standard_normal(mu, logvar):\n    return ...\n\n\n"
                'exercises.check("kl_standard_normal", kl_standard_normal)'
            ),
            new_markdown_cell(LAST),
        ]
    )
