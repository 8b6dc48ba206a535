// A native slider that a finger can scroll past.

// Browsers move a handle as soon as a finger touches its track, even if the finger then scrolls the page. So the first
// move under a finger waits: it counts when the finger goes on along the track or is lifted, not when a scroll begins.
export function listenToSlider(input, cleanup, move, undo) {
  let waiting = false;
  let moves = 0;
  cleanup.listen(input, "pointerdown", (event) => {
    waiting = event.pointerType !== "mouse";
    moves = 0;
  });
  cleanup.listen(input, "input", () => {
    moves += 1;
    if (waiting && moves === 1) return;
    waiting = false;
    move();
  });
  cleanup.listen(input, "pointerup", () => {
    if (waiting && moves) move();
    waiting = false;
  });
  cleanup.listen(input, "pointercancel", () => {
    if (waiting) undo();
    waiting = false;
  });
}
