/* What every page of the book needs beside the theme's scripts. It runs before there is anything to see. */

// The theme chooses between light and dark when the page stands, which turns the whole page once more.
function chooseTheme() {
  const { dataset } = document.documentElement;
  if (dataset.mode !== "auto") return;
  dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
chooseTheme();

// A page opened as a file may not fetch other pages, which the search's summaries need.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

// Paper is light, and folded blocks are printed open (course.css opens them too, in browsers that let it).
let unprinted = () => {};
addEventListener("beforeprint", () => {
  unprinted(); // a second call before the first one's end must find the page as it was
  const { dataset } = document.documentElement;
  const theme = dataset.theme;
  const folded = [...document.querySelectorAll("article details:not([open])")];
  dataset.theme = "light";
  folded.forEach((details) => (details.open = true));
  unprinted = () => {
    dataset.theme = theme;
    folded.forEach((details) => (details.open = false));
    unprinted = () => {};
  };
});
addEventListener("afterprint", () => unprinted());

// The theme's button has its handler in an attribute, which the page's policy forbids.
document.addEventListener("click", (event) => event.target.closest("[data-print]") && print());

// What scrolls sideways can be reached and scrolled from the keyboard, while it is too wide.
const SCROLLERS = {
  "article pre": "Code or output",
  "article .pst-scrollable-table-container": "Table",
  "article div.math mjx-container, article mjx-container[display]": "Equation",
  "article .cell_output .output": "Output",
};

function reachScrollers() {
  // All are measured before any is changed, so that the page is laid out once; not those in a folded block, which would
  // be laid out for this alone: it is asked again when one opens.
  const measured = Object.entries(SCROLLERS).flatMap(([selector, name]) =>
    [...document.querySelectorAll(selector)]
      .filter((box) => !box.checkVisibility || box.checkVisibility())
      .map((box) => ({ box, name, scrolls: box.scrollWidth > box.clientWidth + 1 })),
  );
  for (const { box, name, scrolls } of measured) {
    if (scrolls && !box.hasAttribute("tabindex")) {
      box.dataset.reached = box.tabIndex = 0;
      if (!box.hasAttribute("role")) box.setAttribute("role", "group");
      if (!box.hasAttribute("aria-label")) box.setAttribute("aria-label", name);
    } else if (!scrolls && box.dataset.reached) {
      ["tabindex", "role", "aria-label", "data-reached"].forEach((key) => box.removeAttribute(key));
    }
  }
}

// When all has its size: where the book was built without an equation, MathJax sets it now.
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  reachScrollers();
});
addEventListener("resize", reachScrollers);
document.addEventListener("toggle", reachScrollers, true);

// Projector mode, for the wall of a classroom: larger type, no sidebars. `?projector` turns it on, Alt+P on and off; it
// stays on from page to page, as long as the tab lives.
function project(on) {
  document.documentElement.toggleAttribute("data-projector", on);
  try {
    sessionStorage.setItem("projector", on ? "on" : "");
  } catch {
    // Where nothing may be stored the next page begins without it.
  }
  dispatchEvent(new Event("resize")); // figures fit themselves to the new width
}

function projects() {
  try {
    return new URLSearchParams(location.search).has("projector") || Boolean(sessionStorage.getItem("projector"));
  } catch {
    return false;
  }
}

if (projects()) project(true);
addEventListener("keydown", (event) => {
  if (event.altKey && event.code === "KeyP" && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    project(!document.documentElement.hasAttribute("data-projector"));
  }
});
