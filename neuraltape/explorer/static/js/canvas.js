// Drawing on canvases at the screen's own resolution.

import { colour } from "explorer/palette";

// Give a canvas its size in page pixels and return a context that draws in them.
export function prepare(canvas, width, height) {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// Fill a rectangle that keeps a gap to its neighbours only where there is room for one.
export function cell(context, x, y, width, height, colour, alpha = 1) {
  const gapX = width > 5 ? 1 : 0;
  const gapY = height > 5 ? 1 : 0;
  context.globalAlpha = alpha;
  context.fillStyle = colour;
  if (gapX && gapY) context.fillRect(x, y, width - gapX, height - gapY);
  else {
    // Cells without gaps must not show seams where they meet between two pixels.
    context.fillRect(Math.floor(x), Math.floor(y), Math.ceil(x + width) - Math.floor(x), Math.ceil(y + height) - Math.floor(y));
  }
  context.globalAlpha = 1;
}

// In the colour of what is wrong, with an edge: it is seen on cells of any shade.
export function cross(context, x, y, width, height) {
  const size = Math.min(width, height, 12) * 0.32;
  const [cx, cy] = [x + width / 2 - 0.5, y + height / 2 - 0.5];
  const thick = Math.max(1.5, size / 2.2);
  context.beginPath();
  context.moveTo(cx - size, cy - size);
  context.lineTo(cx + size, cy + size);
  context.moveTo(cx + size, cy - size);
  context.lineTo(cx - size, cy + size);
  for (const [name, more] of [["card", 2.5], ["wrong", 0]]) {
    context.strokeStyle = colour(name);
    context.lineWidth = thick + more;
    context.stroke();
  }
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export const byId = (id) => document.getElementById(id);
