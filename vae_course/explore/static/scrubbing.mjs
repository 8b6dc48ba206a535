// A strip along which the pointer is dragged: a mouse or a pen from where it is pressed, a finger once it goes along.

const ALONG = 5; // pixels after which a finger drags and no longer taps

// go(x, width): the place on the strip, in pixels. The strip's style must be `touch-action: pan-y`, so that a finger
// that goes up or down scrolls the page: the browser then takes the pointer away, and nothing was moved.
export function listenToScrubbing(strip, cleanup, go) {
  let press = null;
  const moveTo = (event) => {
    const box = strip.getBoundingClientRect();
    go(event.clientX - box.left, box.width);
  };
  cleanup.listen(strip, "pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    press = { x: event.clientX, waits: event.pointerType === "touch" };
    strip.setPointerCapture(event.pointerId);
    if (!press.waits) moveTo(event);
  });
  cleanup.listen(strip, "pointermove", (event) => {
    if (!press || !event.isPrimary) return;
    if (press.waits && Math.abs(event.clientX - press.x) <= ALONG) return;
    press.waits = false;
    moveTo(event);
  });
  cleanup.listen(strip, "pointerup", (event) => {
    if (!press || !event.isPrimary) return;
    if (press.waits) moveTo(event);
    press = null;
  });
  cleanup.listen(strip, "pointercancel", () => (press = null));
}
