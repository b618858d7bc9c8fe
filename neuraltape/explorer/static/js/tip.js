// A sentence of help for whatever names one, by pointer and by keyboard.

import { byId } from "explorer/canvas";
import { text } from "explorer/text";

export function makeTips() {
  const tip = byId("tip");
  const show = (event) => {
    const target = event.target.closest?.("[data-help]");
    if (!target) return;
    const key = target.dataset.help;
    tip.textContent = text(key.startsWith("help ") || key.endsWith("Help") ? key : `${key}Help`);
    tip.hidden = false;
    target.setAttribute("aria-describedby", "tip");
    const box = target.getBoundingClientRect();
    const left = Math.max(8, Math.min(innerWidth - tip.offsetWidth - 8, box.left));
    const below = box.bottom + 8 + tip.offsetHeight < innerHeight;
    tip.style.left = `${left}px`;
    tip.style.top = `${below ? box.bottom + 8 : box.top - tip.offsetHeight - 8}px`;
  };
  const hide = () => (tip.hidden = true);
  document.addEventListener("pointerover", show);
  document.addEventListener("pointerout", hide);
  document.addEventListener("focusin", show);
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", hide, { passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || tip.hidden) return;
    event.preventDefault();
    hide();
  });
}
