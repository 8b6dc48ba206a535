// pCN live: a Markov chain beside the exact posterior. Traits say which chain; all else follows from them.
import { afterQuiet } from "./dom.mjs";
import { follow, listenToKeys, makeRender, QUIET, redrawOnChange } from "./figure.mjs";
import { mountPage } from "./page.mjs";
import { describeChain, readPcnChain } from "./pcn_chain_data.mjs";
import { makePainter } from "./pcn_chain_painter.mjs";
import { makeRun } from "./pcn_chain_run.mjs";
import { buildPcnChain, stepAt } from "./pcn_chain_view.mjs";
import { clampPoint, pointAfterKey } from "./plane.mjs";
import { listenToPlacing } from "./pointer.mjs";
import { listenToSlider } from "./slider.mjs";

const SLICE = 10; // milliseconds of computing in a frame
const LAST_SEED = 2 ** 31 - 1;

export const render = makeRender("The chain", show);

function show(model, el, cleanup) {
  const data = readPcnChain(model.get("payload"));
  const run = makeRun(data);
  const parts = buildPcnChain(data);
  el.replaceChildren(parts.root);
  const painter = makePainter(data, run, parts, model);
  const clock = { frame: 0, last: 0, due: 0, seen: true };
  let target = model.get("n_steps") ?? 0; // how far the chain is to be taken at once
  let placing = null; // where the start would go
  let known = false; // whether the exact posterior was there when it was last looked for

  const how = () => ({
    sampler: model.get("sampler"), step: model.get("step"), start: [...model.get("start")], seed: model.get("seed"),
  });
  const isRunning = () => Boolean(model.get("running"));
  const set = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  };
  const summary = () => describeChain(data, {
    digit: model.get("digit"), hidden: model.get("hidden"), length: run.chain.length, ...how(),
  }, run.found());
  const say = afterQuiet(() => {
    if (!isRunning()) parts.summary.textContent = summary();
  }, QUIET, cleanup);

  // ---- time
  const compute = (now) => {
    const running = isRunning();
    const until = (end) => () => performance.now() < end;
    if (running) {
      const speed = model.get("speed");
      clock.due = Math.min(clock.due + ((now - clock.last) / 1000) * speed, speed / 4 + 1); // what is late is left out
      target = Math.min(data.mostSteps, run.chain.length + Math.floor(clock.due));
    }
    const before = run.chain.length;
    const isTime = until(now + (run.grid.mass ? SLICE : SLICE / 2)); // the other half is for the posterior
    while (run.chain.length < target && isTime()) run.advance();
    if (running) {
      clock.due -= run.chain.length - before;
      target = run.chain.length;
      if (target >= data.mostSteps) pause();
    }
    const arrived = !running && before < target && run.chain.length === target;
    const wasKnown = known;
    known = run.work(until(now + SLICE));
    if (arrived || (known && !wasKnown)) say();
  };
  const tick = () => {
    clock.frame = 0;
    const now = performance.now();
    if (clock.seen) compute(now);
    clock.last = now;
    painter.paint(now, placing);
    if (clock.seen && (isRunning() || run.chain.length < target || !run.grid.mass)) wake();
  };
  const wake = () => {
    clock.frame ||= requestAnimationFrame(tick);
  };
  cleanup.add(() => cancelAnimationFrame(clock.frame));

  // ---- the chain
  const restart = () => {
    run.restart(how());
    target = 0;
    model.set("n_steps", 0);
    painter.choices();
    wake();
    say();
  };
  const chooseImage = () => {
    run.setImage(model.get("digit"), model.get("hidden"));
    restart();
  };
  const pause = () => set({ running: false, n_steps: run.chain.length });

  const follows = (names, act) => names.forEach((name) => follow(model, name, act, cleanup));
  follows(["digit", "hidden"], chooseImage);
  follows(["sampler", "step", "start", "seed"], restart);
  follows(["n_steps"], () => {
    const wanted = model.get("n_steps");
    if (wanted === run.chain.length) return;
    if (wanted < run.chain.length) run.restart(how());
    target = wanted;
    wake();
    say();
  });
  follows(["speed"], painter.choices);
  follows(["view"], () => redraw());
  follows(["running"], () => {
    Object.assign(clock, { last: performance.now(), due: 1 }); // the first step at once
    wake();
    say();
  });

  // ---- hands
  const choose = (buttons, name, read = (value) => value) => {
    for (const [value, button] of Object.entries(buttons)) {
      cleanup.listen(button, "click", () => set({ [name]: read(value) }));
    }
  };
  choose(parts.digits, "digit", Number);
  choose(parts.hidden, "hidden");
  choose(parts.samplers, "sampler");
  choose(parts.views, "view");
  listenToSlider(parts.step, cleanup, () => set({ step: stepAt(Number(parts.step.value)) }), painter.choices);
  listenToSlider(parts.speed, cleanup, () => set({ speed: data.speeds[Number(parts.speed.value)] }), painter.choices);
  cleanup.listen(parts.run, "click", () => (isRunning() ? pause() : set({ running: true })));
  cleanup.listen(parts.one, "click", () => {
    if (isRunning()) pause();
    set({ n_steps: Math.min(data.mostSteps, run.chain.length + 1) });
  });
  cleanup.listen(parts.restart, "click", () => {
    restart();
    model.save_changes();
  });
  cleanup.listen(parts.again, "click", () => set({ seed: model.get("seed") < LAST_SEED ? model.get("seed") + 1 : 0 }));
  const showPlacing = (pixel) => {
    placing = pixel && painter.plane().toPoint(pixel);
    wake();
  };
  listenToPlacing(parts.map, cleanup, showPlacing, (pixel) => {
    placing = null;
    const start = clampPoint(painter.plane().toPoint(pixel), data.limit);
    set({ start: start.map((value) => Math.round(100 * value) / 100) });
  });
  listenToKeys(parts.map, cleanup, ({ key, shiftKey }) => {
    const start = pointAfterKey(how().start, key, shiftKey, data.limit);
    if (start) set({ start });
    return start !== null;
  });

  // ---- the window
  const redraw = () => {
    painter.refresh();
    wake();
  };
  redrawOnChange(parts.root, [parts.map, parts.traces], redraw, cleanup);
  const watcher = new IntersectionObserver((entries) => {
    clock.seen = entries.at(-1).isIntersecting; // a figure far from the window computes nothing
    clock.last = performance.now();
    if (clock.seen) wake();
  }, { rootMargin: "300px" });
  watcher.observe(parts.root);
  cleanup.add(() => watcher.disconnect());

  run.setImage(model.get("digit"), model.get("hidden"));
  run.restart(how());
  parts.summary.textContent = summary();
  wake();
}

export default { render };
