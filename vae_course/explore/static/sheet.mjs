// The sheet that the reader draws on: an image that was loaded, or none, and strokes; every step can be undone.
import { cutCorners, drawOver, prepareDrawing } from "./strokes.mjs";

const LONGEST_HISTORY = 200;
const CLOSEST = 0.004; // of the sheet's side: nearer points of a stroke are dropped

// pen: the line's width, in sides of the sheet. state: {image: 784 bytes or null, strokes: [{points, smooth}], share},
// where share is the place on the way from 9 to 0, or null.
export function makeSheet(pen, image = null) {
  const history = [];
  let state = { image, strokes: [], share: null };
  let open = null; // the points of the stroke that is being drawn
  const put = (next) => {
    open = null;
    history.push(state);
    if (history.length > LONGEST_HISTORY) history.shift();
    state = next;
  };
  const sheet = {
    pen,
    get state() {
      return state;
    },
    get canUndo() {
      return history.length > 0;
    },
    get isEmpty() {
      return !state.image && !state.strokes.length;
    },
    // Lines as they are drawn: those of the keyboard without their corners.
    get lines() {
      return state.strokes.map(({ points, smooth }) => (smooth ? cutCorners(points) : points));
    },
    // What the network sees: a loaded image exactly as it is, a drawing as MNIST would have it.
    get bytes() {
      return state.image ? drawOver(state.image, sheet.lines, sheet.pen) : prepareDrawing(sheet.lines, sheet.pen);
    },
    load: (bytes) => put({ image: bytes, strokes: [], share: null }),
    clear: () => sheet.isEmpty || put({ image: null, strokes: [], share: null }),
    begin(point, smooth = false) {
      const points = [point];
      put({ ...state, strokes: [...state.strokes, { points, smooth }], share: null });
      open = points;
    },
    // Nothing, once the stroke was undone or another image came in the middle of it.
    extend(point) {
      if (!open) return;
      const last = open.at(-1);
      if (Math.abs(point[0] - last[0]) + Math.abs(point[1] - last[1]) >= CLOSEST) open.push(point);
    },
    // One step of the history for a whole journey of the slider.
    follow(share, strokes) {
      const next = { image: null, strokes: strokes.map((points) => ({ points, smooth: false })), share };
      if (state.share === null) put(next);
      else [state, open] = [next, null];
    },
    undo() {
      open = null;
      if (history.length) state = history.pop();
    },
  };
  return sheet;
}
