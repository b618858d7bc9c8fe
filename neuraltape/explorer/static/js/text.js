// Words in the reader's language.

import { english } from "explorer/en";
import { chinese } from "explorer/zh";

const LANGUAGES = { en: english, zh: chinese };
let words = english;
export let language = "en";

export function setLanguage(name) {
  language = name in LANGUAGES ? name : "en";
  words = LANGUAGES[language];
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
}

// A text with its {holes} filled.
export function text(key, values = {}) {
  const found = words[key] ?? english[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const has = (key) => key in words || key in english;

// Write every fixed text of the page.
export function writePage() {
  for (const each of document.querySelectorAll("[data-text]")) each.textContent = text(each.dataset.text);
  for (const each of document.querySelectorAll("[data-label]")) {
    each.setAttribute("aria-label", text(each.dataset.label));
    if (each.tagName === "BUTTON") each.title = text(each.dataset.label);
  }
}

// Words for a name that a trace brings: a stage, a number, a vector. Whatever has no words here shows its own name.
export const named = (group, name) => (has(`${group} ${name}`) ? text(`${group} ${name}`) : name);

export function headName(name) {
  const [, kind, number] = /^(\w+) (\d+)$/.exec(name) ?? [];
  return has(`head ${kind}`) ? text(`head ${kind}`, { number }) : name;
}

export const channelName = (name) => {
  const match = /^bit (\d+)$/.exec(name);
  return match ? text("bit", { number: match[1] }) : has(`channel ${name}`) ? text(`channel ${name}`) : name;
};

export const percent = (share) => `${Math.round(share * 100)} %`;

export function number(value) {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2).replace("-", "\u2212");
}
