// Words in the reader's language. What a language has no word for is said in English.

// Each language is a file of its own; the page lists their codes, English first.
const CODES = JSON.parse(document.getElementById("languages").textContent);
const LANGUAGES = Object.fromEntries(await Promise.all(CODES.map(async (code) => [code, await import(`explorer/language-${code}`)])));
const english = LANGUAGES.en.words;
let words = english;
export let language = "en";

export function setLanguage(code) {
  language = code in LANGUAGES ? code : "en";
  words = LANGUAGES[language].words;
  document.documentElement.lang = LANGUAGES[language].tag;
}

// The language that a browser's preference ("zh-CN") asks for.
export const preferredLanguage = (preference) => CODES.find((code) => preference.split("-")[0] === code) ?? "en";

// The one to change to: its code, its name in its own words, its tag.
export function nextLanguage() {
  const code = CODES[(CODES.indexOf(language) + 1) % CODES.length];
  return { code, name: LANGUAGES[code].name, tag: LANGUAGES[code].tag };
}

// A text with its {holes} filled.
export function text(key, values = {}) {
  const found = words[key] ?? english[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const has = (key) => key in words || key in english;

// A word of a task, undefined where it has none. `about` is a machine or a trace: both bring their task's words in
// English. A language translates them for all tasks ("channel end flag"), or for one ("length copy").
export const taskWord = (about, key) => words[`${key} ${about.task}`] ?? words[key] ?? about.words[key];

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

export const channelName = (about, name) => {
  const match = /^bit (\d+)$/.exec(name);
  return match ? text("bit", { number: match[1] }) : (taskWord(about, `channel ${name}`) ?? name);
};

// What went wrong, for the reader: a word that has a text here, or the server's own line.
export const explained = (error) => (has(`error ${error.message}`) ? text(`error ${error.message}`) : error.message);

// No line ends between a number and its sign, nor within a range. What is not 0 is not called so.
export const percent = (share) => `${share > 0 && share < 0.005 ? "<1" : Math.round(share * 100)}\u00a0%`;
export const range = (low, high) => `${low}\u2013\u2060${high}`;

// Small numbers keep a digit that says something, and what is not 0 is not called so.
export function number(value) {
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size < 0.0005) return value > 0 ? "<0.001" : ">\u22120.001";
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.095 ? 2 : 3).replace("-", "\u2212");
}
