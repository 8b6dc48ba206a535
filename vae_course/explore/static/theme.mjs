// Colours: read from the page's theme (through explore.css), mixed for canvases, watched for changes.

export function parseColour(text) {
  const hex = /^#([0-9a-f]{6})$/i.exec(text.trim());
  if (hex) return [0, 2, 4].map((i) => parseInt(hex[1].slice(i, i + 2), 16));
  const numbers = text.match(/[\d.]+/g);
  if (!/^rgba?\(/.test(text.trim()) || !numbers || numbers.length < 3) throw new Error(`unknown colour "${text}"`);
  return numbers.slice(0, 3).map(Number);
}

// `share` of b, the rest of a; colours as [r, g, b].
export function mix(a, b, share) {
  return a.map((value, i) => value + (b[i] - value) * share);
}

export function cssColour(rgb, alpha = 1) {
  return `rgba(${rgb.map(Math.round).join(", ")}, ${alpha})`;
}

// Contrast ratio by WCAG 2, 1 to 21.
export function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// The colour itself on paper; on a dark ground as much lighter as it takes to be seen.
export function onGround(colour, ground) {
  if (luminance(ground) > 0.4) return colour;
  let seen = colour;
  for (let share = 0.1; share < 1 && contrast(seen, ground) < 3.5; share += 0.1) seen = mix(colour, [255, 255, 255], share);
  return seen;
}

// {ink, muted, ground, line, accent} as [r, g, b]. A hidden probe turns whatever notation the theme uses into rgb().
export function readTheme(element) {
  const probe = element.ownerDocument.createElement("span");
  probe.hidden = true;
  element.append(probe);
  const theme = {};
  for (const name of ["ink", "muted", "ground", "line", "accent"]) {
    probe.style.color = `var(--explore-${name})`;
    theme[name] = parseColour(element.ownerDocument.defaultView.getComputedStyle(probe).color);
  }
  probe.remove();
  return theme;
}

// Calls back when the page or the system changes between light and dark. Returns a function that stops it.
export function watchTheme(element, callback) {
  const { documentElement, body, defaultView } = element.ownerDocument;
  const observer = new defaultView.MutationObserver(callback);
  for (const node of [documentElement, body]) {
    observer.observe(node, { attributes: true, attributeFilter: ["class", "data-theme", "data-mode", "data-jp-theme-light"] });
  }
  const system = defaultView.matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", callback);
  return () => {
    observer.disconnect();
    system.removeEventListener("change", callback);
  };
}
