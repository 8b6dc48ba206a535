// Asked by test_packing.py.
import { readFileSync } from "node:fs";
import { unpackGreys } from "../../../vae_course/explore/static/bytes.mjs";

const { text, length } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify([...unpackGreys(text, length)]));
