// Small helpers for building figures that leave nothing behind.

// h("button", {class: "a", type: "button"}, "text", child): attributes that are null or false are left out.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// Collects what is to be undone when a figure goes: listeners and other stop functions.
export function makeCleanup() {
  const undo = [];
  return {
    add: (stop) => undo.push(stop),
    listen(target, type, handler, options) {
      target.addEventListener(type, handler, options);
      undo.push(() => target.removeEventListener(type, handler, options));
    },
    run() {
      while (undo.length) undo.pop()();
    },
  };
}

// Runs `draw` once in the next frame, however often it is called before.
export function onceAFrame(draw, cleanup) {
  let frame = 0;
  cleanup.add(() => cancelAnimationFrame(frame));
  return () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
}

// Runs `act` when `wait` milliseconds have passed without another call, so that a screen reader is not flooded.
export function afterQuiet(act, wait, cleanup) {
  let timer = 0;
  cleanup.add(() => clearTimeout(timer));
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, wait);
  };
}

// Ink from `from`, 0 to 1, as side x side pixels of a canvas, between the colours of paper and ink.
export function drawInk(canvas, side, ink, from, theme) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    for (let c = 0; c < 3; c++) {
      image.data[4 * i + c] = Math.round(theme.ground[c] + (theme.ink[c] - theme.ground[c]) * ink[from + i]);
    }
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
