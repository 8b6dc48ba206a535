// What all figures share: how they are put up and taken down, and when they are drawn anew.
import { h, makeCleanup } from "./dom.mjs";
import { watchTheme } from "./theme.mjs";

export const QUIET = 350; // milliseconds without a change before the summary is read out

// A render function for anywidget and for the page. show(model, el, cleanup) builds the figure, or throws in words.
// JupyterLab renders before it puts `el` into its page, where there are no colours and no widths yet: then show waits.
export function makeRender(name, show) {
  return ({ model, el }) => {
    const cleanup = makeCleanup();
    const clear = () => {
      cleanup.run();
      el.replaceChildren();
    };
    const start = () => {
      try {
        show(model, el, cleanup);
      } catch (error) {
        clear();
        el.append(
          h("p", { class: "explore-error", role: "alert" },
            `${name} cannot be drawn: ${error.message}. Run the cell that makes it again, or reload the page.`),
        );
      }
    };
    if (el.isConnected) start();
    else whenInPage(el, start, cleanup);
    return clear;
  };
}

// Calls `act` once, when the element has a place in the page.
function whenInPage(el, act, cleanup) {
  const arrival = new ResizeObserver(() => {
    if (!el.isConnected) return;
    arrival.disconnect();
    act();
  });
  arrival.observe(el);
  cleanup.add(() => arrival.disconnect());
}

// Calls `redraw` when one of the elements changes its size and when the page's colours change.
export function redrawOnChange(root, elements, redraw, cleanup) {
  const resize = new ResizeObserver(redraw);
  for (const element of elements) resize.observe(element);
  cleanup.add(() => resize.disconnect());
  cleanup.add(watchTheme(root, redraw));
}

// Calls `act` when the model's trait `name` changes, from here or from Python.
export function follow(model, name, act, cleanup) {
  model.on(`change:${name}`, act);
  cleanup.add(() => model.off(`change:${name}`, act));
}

// act(event) is asked for each key pressed without Ctrl, Alt or Meta. What it answers with true was for the figure.
export function listenToKeys(element, cleanup, act) {
  cleanup.listen(element, "keydown", (event) => {
    if (!event.ctrlKey && !event.altKey && !event.metaKey && act(event)) event.preventDefault();
  });
}

// The legend's buttons: one of them, or none, is pressed, and chosen.digit says which.
export function highlightOne(legend, chosen, redraw, cleanup) {
  for (const [digit, button] of legend.entries()) {
    cleanup.listen(button, "click", () => {
      chosen.digit = chosen.digit === digit ? null : digit;
      legend.forEach((other, i) => other.setAttribute("aria-pressed", i === chosen.digit));
      redraw();
    });
  }
}
