// Puts a plotly figure in the place of its picture, when the reader asks for it.
(() => {
  const root = document.currentScript.closest("[data-plotly]");
  const [button, status, plot] = ["button", "[role=status]", ".plotly-figure"].map((part) => root.querySelector(part));
  const { data, layout, frames } = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const steps = layout.sliders[0].steps;

  // The page's own ground and letters: plotly knows nothing of a theme that changes.
  const colours = () => {
    const { color: ink, borderTopColor: line } = getComputedStyle(plot);
    const axis = (name) => ({ [`${name}.gridcolor`]: line, [`${name}.zerolinecolor`]: line, [`${name}.linecolor`]: line });
    return {
      "font.color": ink, "sliders[0].bordercolor": line, "sliders[0].bgcolor": line, "sliders[0].tickcolor": ink,
      "shapes[0].line.color": ink, "shapes[1].line.color": ink, ...axis("xaxis"), ...axis("yaxis"),
    };
  };
  const recolour = async () => {
    const wanted = colours();
    await Plotly.relayout(plot, wanted);
    await Plotly.restyle(plot, { "marker.line.color": wanted["font.color"] }); // a dark digit shows on a dark ground
  };

  const say = (text) => (status.textContent = text);
  const go = (k) => {
    const active = Math.max(0, Math.min(steps.length - 1, k));
    Plotly.relayout(plot, { "sliders[0].active": active });
    Plotly.animate(plot, [steps[active].args[0][0]], steps[active].args[1]);
    say(`\u03b2 = ${steps[active].label}`);
  };

  const show = async () => {
    root.querySelector("img").hidden = button.hidden = true;
    plot.hidden = false;
    await Plotly.newPlot(plot, data, layout, { displayModeBar: false, responsive: true });
    await Plotly.addFrames(plot, frames);
    await recolour();
    plot.on("plotly_sliderchange", ({ step }) => say(`\u03b2 = ${step.label}`));
    const now = () => plot.layout.sliders[0].active;
    plot.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -steps.length, End: steps.length }[event.key];
      if (!move) return;
      event.preventDefault();
      go(now() + move);
    });
    new MutationObserver(recolour).observe(document.documentElement, {
      attributes: true, attributeFilter: ["data-theme", "data-mode", "class"],
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
    plot.focus();
    status.style.cssText = "position: absolute; clip-path: inset(50%); white-space: nowrap"; // the slider shows it
    say(`\u03b2 = ${steps[now()].label}`);
  };

  button.addEventListener("click", () => {
    if (window.Plotly) return show();
    button.disabled = true;
    say("Loading \u2026");
    const script = document.createElement("script");
    // As Sphinx names the way from a page to the book's root.
    script.src = (document.documentElement.dataset.content_root ?? "") + root.dataset.plotly;
    script.onload = show;
    script.onerror = () => {
      script.remove();
      button.disabled = false;
      say("plotly.min.js is not beside this page: build the book, or run the notebook's cell for a live figure.");
    };
    document.head.append(script);
  });
  root.querySelector(".plotly-ask").hidden = false; // without scripts there is nothing to ask for
})();
