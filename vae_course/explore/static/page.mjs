// Brings a figure to life in a page without a kernel: the same render function, a model without Python behind it.

// Stands in for anywidget's model: get, set, save_changes, on, off.
export function makeModel(state) {
  const values = { ...state };
  const listeners = new Map();
  return {
    get: (name) => values[name],
    set(name, value) {
      if (values[name] === value) return;
      values[name] = value;
      for (const listener of [...(listeners.get(`change:${name}`) ?? [])]) listener();
    },
    save_changes() {},
    on: (event, listener) => listeners.set(event, [...(listeners.get(event) ?? []), listener]),
    off: (event, listener) => listeners.set(event, (listeners.get(event) ?? []).filter((other) => other !== listener)),
  };
}

// Puts the live figure before the static picture, which stays for print (and in the figure's place if this fails).
export function mountPage(render, id) {
  for (const figure of document.querySelectorAll(`[id="${id}"]:not([data-mounted])`)) {
    figure.dataset.mounted = "";
    const el = document.createElement("div");
    figure.prepend(el);
    let state = {};
    try {
      state = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    } catch {
      // render says that the data are missing.
    }
    render({ model: makeModel(state), el });
    figure.classList.toggle("explore-live", !el.querySelector(".explore-error"));
  }
}
