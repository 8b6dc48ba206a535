// Mouse, finger and keys on the sheet.

const KEY_STEP = 0.05;
const SMALL_STEP = 0.01;
const WAYS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  Home: [-1, -1], PageUp: [1, -1], End: [-1, 1], PageDown: [1, 1],
};

// Where a key leads the pen from [x, y] on a sheet whose side is 1, or null. With Shift the steps are small.
export function penAfterKey([x, y], key, small) {
  const way = WAYS[key];
  if (!way) return null;
  const step = small ? SMALL_STEP : KEY_STEP;
  return [x, y].map((value, axis) => Math.min(1, Math.max(0, Math.round((value + step * way[axis]) * 1000) / 1000)));
}

// begin(point), extend(point): a stroke on a sheet whose side is 1. A second finger and other buttons draw nothing.
export function listenToPen(element, cleanup, { begin, extend }) {
  let drawing = null;
  const place = (event) => {
    const box = element.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((value) =>
      Math.min(1, Math.max(0, value)));
  };
  cleanup.listen(element, "pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary || drawing !== null) return;
    drawing = event.pointerId;
    element.setPointerCapture(event.pointerId);
    begin(place(event));
  });
  cleanup.listen(element, "pointermove", (event) => {
    if (event.pointerId !== drawing) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const each of passed.length ? passed : [event]) extend(place(each));
  });
  for (const type of ["pointerup", "pointercancel"]) {
    cleanup.listen(element, type, (event) => {
      if (event.pointerId === drawing) drawing = null;
    });
  }
}
