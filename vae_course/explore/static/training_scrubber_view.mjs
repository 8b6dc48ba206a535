// The elements of the explorer of a training, without any behaviour.
import { h } from "./dom.mjs";
import { latentName } from "./training_scrubber_drawing.mjs";

const HINT = "Drag the slider, or press on the curves; with the slider in focus, arrow keys go from snapshot to snapshot, Home and " +
  "End to the first and the last. A phase leads to the snapshot nearest to it. Line: the mean of the steps in each short stretch of the training; band: the lowest and the " +
  "highest of them; dot: the batch at the chosen step. Reconstructions are decoded from the means.";

const pressable = (text, attributes = {}) => h("button", { type: "button", "aria-pressed": "false", ...attributes }, text);
const toPress = (text, attributes = {}) => h("button", { type: "button", ...attributes }, text);
const groupOf = (label, ...children) => h("div", { class: "explore-buttons", role: "group", "aria-label": label }, ...children);

export function buildTraining({ side, runs, decodedLabels, colours }) {
  const small = () => h("canvas", { width: side, height: side, "aria-hidden": "true" });
  const number = () => h("output", { "aria-live": "off" }); // the summary speaks for them
  const parts = {
    runs: Object.fromEntries(Object.entries(runs).map(([key, { latentDim }]) => [key, pressable(`${latentDim} latents`)])),
    curve: h("canvas", {
      class: "scrub-curve", role: "img",
      "aria-label": "Curves of the NLL and the KL over the steps of the training, with a line at the chosen step; press to choose a step",
    }),
    slider: h("input", { type: "range", min: "0", step: "1", "aria-label": "Step of the training" }),
    play: toPress("Play", { class: "scrub-play" }),
    back: toPress("\u25c2", { "aria-label": "One snapshot back" }),
    on: toPress("\u25b8", { "aria-label": "One snapshot on" }),
    phases: h("div", { class: "explore-buttons", role: "group", "aria-label": "Phases of the KL, by their steps" }),
    phaseNote: h("p", { class: "explore-note" }),
    when: h("b", { class: "scrub-when" }),
    numbers: { nll: number(), kl: number() },
    originals: decodedLabels.map(small),
    pictures: decodedLabels.map(small),
    canvas: h("canvas", { "aria-hidden": "true" }),
    axes: { same: pressable("Same axes"), fitted: pressable("Fitted axes") },
    selects: ["Latent across", "Latent up"].map((label) => h("select", { "aria-label": label })),
    legend: colours.map((_, digit) => pressable(String(digit), { "aria-label": `Show only digit ${digit}` })),
    note: h("p", { class: "explore-note" }),
    bars: h("canvas", { class: "scrub-bars", role: "img" }),
    summary: h("p", { class: "explore-hidden", "aria-live": "polite" }),
  };
  parts.map = h("div", { class: "explore-map scrub-map", role: "img" }, parts.canvas);
  parts.choice = h("span", { class: "scrub-choice" }, parts.selects[0], " across, ", parts.selects[1], " up");
  const pairs = parts.originals.map((canvas, i) => h("span", {}, canvas, parts.pictures[i]));
  const figure = h("div", { class: "explore-figure scrub", role: "group", "aria-label": "A training, step by step" },
    h("div", { class: "scrub-wide" },
      h("div", { class: "scrub-head" }, groupOf("Run", ...Object.values(parts.runs)),
        h("p", {}, parts.when, " ", h("span", {}, "NLL ", parts.numbers.nll), " ", h("span", {}, "KL ", parts.numbers.kl, " nats"))),
      parts.curve,
      h("div", { class: "scrub-slider" }, parts.slider),
      h("div", { class: "scrub-buttons" }, groupOf("Playing", parts.play, parts.back, parts.on), parts.phases),
      parts.phaseNote),
    h("div", { class: "scrub-pictures" },
      h("p", { class: "explore-title" }, "Digits, and below each its reconstruction"),
      h("div", {
        class: "scrub-pairs", role: "img",
        "aria-label": `Digits ${decodedLabels.join(", ")}, and below each its reconstruction at the chosen step`,
      }, ...pairs)),
    h("div", { class: "scrub-left" },
      parts.map,
      h("div", { class: "explore-legend", role: "group", "aria-label": "Highlight one digit" }, ...parts.legend),
      parts.note,
      h("div", { class: "scrub-buttons" }, groupOf("Axes of the map", ...Object.values(parts.axes)), parts.choice)),
    h("div", { class: "scrub-kl" }, parts.bars),
    h("p", { class: "explore-hint scrub-wide" }, HINT),
    parts.summary);
  parts.root = h("div", { class: "explore-frame" }, figure);
  return parts;
}

// What differs from run to run: the slider's length, the phases' buttons, the latents that can be chosen.
export function fillRun(parts, { steps, phases, latentDim, order, digitKl }, names) {
  parts.slider.max = String(steps.length - 1);
  parts.phases.replaceChildren(...phases.map(({ name, step }, i) => pressable(
    h("span", {}, h("b", {}, `${i + 1} `), names[name], h("small", {}, ` ${step.toLocaleString("en-US")}`)),
    { "data-snapshot": phases[i].snapshot })));
  parts.phaseNote.textContent = describePhases(phases);
  parts.choice.hidden = latentDim === 2;
  for (const select of parts.selects) {
    select.replaceChildren(...order.map((j) =>
      h("option", { value: String(j) }, `${latentName(j)}, KL ${digitKl[j].toFixed(2)}`)));
  }
}

// What is to be known before the phases are believed; nothing where there is nothing.
export function describePhases(phases) {
  if (!phases.length) return "The KL has no phases here: it does not rise again after a fall.";
  const [, trough, , slowRise] = phases;
  if (trough.snapshot !== slowRise.snapshot) return "";
  return `Phases 2 to 4 lie within ${slowRise.step - trough.step} steps, on one snapshot: from one batch to another the KL ` +
    "changes by half of its whole climb.";
}
