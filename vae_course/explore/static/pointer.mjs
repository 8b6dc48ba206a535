// A point on a map that follows the pointer.

const CLICK = 4; // pixels within which a press is a click and no drag

// A mouse that hovers moves the point until a click holds it; a finger, a pen or a drag moves it anyway.
// state.held: whether the point is held; moveTo(x, y): pixels on the map; hold(held): the reader held or freed the point.
export function listenToPointer(map, cleanup, state, moveTo, hold) {
  let press = null;
  const go = (event) => {
    const box = map.getBoundingClientRect();
    moveTo(event.clientX - box.left - map.clientLeft, event.clientY - box.top - map.clientTop);
  };
  cleanup.listen(map, "pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    press = { x: event.clientX, y: event.clientY, dragged: false };
    map.setPointerCapture(event.pointerId);
    if (event.pointerType !== "mouse" || !state.held) go(event);
  });
  cleanup.listen(map, "pointermove", (event) => {
    if (!event.isPrimary) return;
    if (press && Math.hypot(event.clientX - press.x, event.clientY - press.y) > CLICK) press.dragged = true;
    if (press ? press.dragged || event.pointerType !== "mouse" : event.pointerType === "mouse" && !state.held) go(event);
  });
  cleanup.listen(map, "pointerup", (event) => {
    if (!press || !event.isPrimary) return;
    if (event.pointerType === "mouse") {
      hold(press.dragged || !state.held);
      if (!state.held) go(event);
    }
    press = null;
  });
  cleanup.listen(map, "pointercancel", () => (press = null));
}

// A point that the reader puts down: a mouse or a pen shows it while pressed and puts it where it is lifted; a finger
// taps, and may still scroll the page. Points are pixels on the map; show(null): nothing is to be put.
export function listenToPlacing(map, cleanup, show, put) {
  let press = null;
  const place = (event) => {
    const box = map.getBoundingClientRect();
    return [event.clientX - box.left - map.clientLeft, event.clientY - box.top - map.clientTop];
  };
  cleanup.listen(map, "pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    press = { x: event.clientX, y: event.clientY, finger: event.pointerType === "touch" };
    if (press.finger) return;
    map.setPointerCapture(event.pointerId);
    show(place(event));
  });
  cleanup.listen(map, "pointermove", (event) => {
    if (press && !press.finger && event.isPrimary) show(place(event));
  });
  cleanup.listen(map, "pointerup", (event) => {
    if (!press || !event.isPrimary) return;
    const stayed = Math.hypot(event.clientX - press.x, event.clientY - press.y) <= CLICK;
    if (!press.finger || stayed) put(place(event));
    press = null;
  });
  cleanup.listen(map, "pointercancel", () => {
    press = null;
    show(null);
  });
}
