// The colours of the present scheme, read from the style sheet, for what is drawn on canvases.

let found = {};

export function readPalette() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["ink", "muted", "faint", "line", "card", "soft", "field", "write", "read", "wrong", "positive", "negative"]) {
    found[name] = style.getPropertyValue(`--${name}`).trim();
  }
  found = { ...found };
}

export function colour(name) {
  return found[name];
}

export function rgb(name) {
  const hex = found[name];
  return [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
}

// A signed number as a colour: nothing at 0, full at the limit.
export function signed(value, limit) {
  const share = Math.min(1, Math.abs(value) / limit);
  // A root, so that small numbers can be told from none.
  return { name: value < 0 ? "negative" : "positive", alpha: Math.sqrt(share) };
}
