// Asked by test_linked_maps_explorer.py and test_posterior_views_explorer.py: what the page makes of a payload.
import { readFileSync } from "node:fs";
import * as linked from "../../../vae_course/explore/static/linked_data.mjs";
import * as views from "../../../vae_course/explore/static/views_data.mjs";

const { payload, states } = JSON.parse(readFileSync(0, "utf8"));

function askLinked() {
  const data = linked.readMaps(payload);
  const kept = Object.fromEntries(Object.entries(data.maps).map(([name, { labels, isKept }]) =>
    [name, Array.from(labels, (_, i) => isKept(i).filter(Boolean).length)]));
  const said = states.map(({ shown, point }) => {
    const set = data.sets.find(({ title }) => title === shown);
    const maps = set.maps.map((name) => data.maps[name]);
    return linked.describeMaps(set, data.groups[maps[0].source], maps, point);
  });
  return { kept, said };
}

function askViews() {
  const data = views.readViews(payload);
  return {
    samples: states.map(({ seed }) => views.drawSamples(data, seed).map((values) => [...values])),
    said: states.map(({ view, n_std: nStd, seed, point }) => views.describeViews(data, { view, nStd, seed, point })),
  };
}

console.log(JSON.stringify(payload.kind === "linked-maps" ? askLinked() : askViews()));
