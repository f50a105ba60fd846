// What pages do beyond links and forms: keys, times that stay true, lists that
// follow what is typed, and parts that follow what happens. Every page works
// without this file.
"use strict";

const lang = document.documentElement.lang || "en";

// Times -----------------------------------------------------------------

const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

function refreshTimes() {
  for (const e of document.querySelectorAll("time[data-relative]")) {
    const seconds = (Date.parse(e.dateTime) - Date.now()) / 1000;
    const unit = units.find(([, of]) => Math.abs(seconds) >= of);
    if (unit) e.textContent = relative.format(Math.trunc(seconds / unit[1]), unit[0]);
  }
}

// The reader's zone, for a server that does not know it yet.
function tellZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !/(^|; )zone=/.test(document.cookie)) {
    document.cookie = "zone=" + zone + "; path=/; max-age=31536000; samesite=strict" +
      (location.protocol === "https:" ? "; secure" : "");
  }
}

// Parts of the page -----------------------------------------------------

// replaceParts fetches a page and puts its parts, by id, in the place of ours.
// What somebody is writing in is left alone.
async function replaceParts(url, ids, signal) {
  const answer = await fetch(url, { signal, headers: { "Rapport-Part": ids.join(" ") } });
  if (!answer.ok || answer.redirected) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ids) {
    const mine = document.getElementById(id), theirs = page.getElementById(id);
    if (!mine || !theirs || mine.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) continue;
    const at = rowKey(document.activeElement, mine);
    const open = new Set([...mine.querySelectorAll("details[open][id]")].map((d) => d.id));
    const chosen = new Set([...mine.querySelectorAll("input[type=checkbox][id]:checked")].map((c) => c.id));
    mine.replaceWith(theirs);
    for (const d of theirs.querySelectorAll("details[id]")) if (open.has(d.id)) d.open = true;
    for (const c of theirs.querySelectorAll("input[type=checkbox][id]")) if (chosen.has(c.id)) c.checked = true;
    if (at) theirs.querySelector(`[data-row="${CSS.escape(at)}"] [data-open]`)?.focus();
  }
  refreshTimes();
  return true;
}

function rowKey(element, inside) {
  const row = element?.closest("[data-row]");
  return row && inside.contains(row) ? row.dataset.row : "";
}

// A form with data-swap="id id" is sent while it is written, and the parts of
// those ids are replaced.
const typing = new WeakMap();

function swapSoon(form, delay) {
  const before = typing.get(form);
  if (before) { clearTimeout(before.timer); before.abort.abort(); }
  const abort = new AbortController();
  const timer = setTimeout(async () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value !== "") query.append(name, value);
    const url = form.getAttribute("action").split("?")[0] + (query.size ? "?" + query : "");
    try {
      if (await replaceParts(url, form.dataset.swap.split(" "), abort.signal)) history.replaceState(null, "", url);
    } catch (e) {
      if (e.name !== "AbortError") form.submit();
    }
  }, delay);
  typing.set(form, { timer, abort });
}

document.addEventListener("input", (e) => {
  const form = e.target.closest("form[data-swap]");
  if (form) swapSoon(form, e.target.matches("select, input[type=checkbox], input[type=radio]") ? 0 : 150);
});

// A box that chooses all of a list.
document.addEventListener("change", (e) => {
  if (!e.target.matches("[data-all]")) return;
  for (const box of e.target.form.querySelectorAll("input[type=checkbox][name]")) box.checked = e.target.checked;
});

// What happens ----------------------------------------------------------

// An element with an id and data-live follows what happens in the store.
function follow() {
  const live = () => [...document.querySelectorAll("[data-live][id]")].map((e) => e.id);
  if (!live().length || !window.EventSource) return;
  const offline = document.getElementById("offline");
  const source = new EventSource("/api/v1/events");
  let soon = 0;
  const changed = () => {
    clearTimeout(soon);
    soon = setTimeout(() => replaceParts(location.href, live()).catch(() => {}), 400);
  };
  for (const what of ["message.filed", "contact.changed", "organisation.changed", "suggestion.made", "followup.due", "sale.changed", "sale.overdue", "missed"]) {
    source.addEventListener(what, changed);
  }
  let lost = 0;
  source.onopen = () => {
    clearTimeout(lost);
    if (!offline.hidden) changed();
    offline.hidden = true;
  };
  source.onerror = () => {
    clearTimeout(lost);
    if (source.readyState === EventSource.CLOSED) return; // refused, not lost
    lost = setTimeout(() => { offline.hidden = false; }, 5000);
  };
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
}

// An element with an id and data-poll="5" is asked for anew every five seconds,
// while somebody can see it.
function poll() {
  const asked = new Map();
  setInterval(() => {
    if (document.hidden) return;
    const due = [...document.querySelectorAll("[data-poll][id]")].filter((e) =>
      Date.now() - (asked.get(e.id) || asked.set(e.id, Date.now()).get(e.id)) >= e.dataset.poll * 1000);
    for (const e of due) asked.set(e.id, Date.now());
    if (due.length) replaceParts(location.href, due.map((e) => e.id)).catch(() => {});
  }, 1000);
}

// Keys ------------------------------------------------------------------

let afterG = 0;

// Rows with nothing to do in them are passed over.
const handles = "[data-open], a, button, input, summary";

function rows() {
  return [...document.querySelectorAll("[data-row]")].filter((r) => r.checkVisibility() && r.querySelector(handles));
}

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement?.closest("[data-row]"));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  (next.querySelector("[data-open]") || next.querySelector(handles)).focus();
  next.scrollIntoView({ block: "nearest" });
}

// press does what an element is for: fields are gone to, all else is clicked.
function press(e) {
  if (!e) return false;
  if (e.matches("input:not([type=checkbox]), textarea, select")) {
    for (let d = e.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
    e.focus();
    e.select?.();
  } else if (e.matches("summary")) {
    e.parentElement.open = !e.parentElement.open;
    const d = e.parentElement; // what is written comes before what is chosen
    const field = d.open && (d.querySelector("textarea") || d.querySelector("input:not([type=hidden]), select"));
    (field || e).focus();
  } else {
    e.click();
  }
  return true;
}

function onKey(e) {
  if (e.key === "Escape") {
    const open = document.activeElement?.closest("details.menu[open], details.pop[open]");
    if (open) { open.open = false; open.querySelector("summary").focus(); return; }
    if (document.activeElement?.matches("input, textarea, select")) document.activeElement.blur();
    return;
  }
  if (document.body.dataset.keys === "off" || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
  if (e.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]")) return;
  const key = e.key;
  if (key.length !== 1) return;
  let done = true;
  if (Date.now() - afterG < 1500) {
    afterG = 0;
    done = press(document.querySelector(`[data-go="${CSS.escape(key)}"]`));
  } else if (key === "g") afterG = Date.now();
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "?") location.assign("/keys");
  else {
    const row = document.activeElement?.closest("[data-row]");
    const name = `[data-key="${CSS.escape(key)}"]`;
    const at = row?.closest("form")?.elements.namedItem("at"); // where the keys are, for the list that comes next
    if (at) at.value = rows().indexOf(row);
    if (key === "o") done = press(row?.querySelector("[data-open]"));
    else if (key === "x") done = press(row?.querySelector("input[type=checkbox]"));
    else done = press(row?.querySelector(name)) || press([...document.querySelectorAll(name)].find((n) => !n.closest("[data-row]")));
  }
  if (done) e.preventDefault();
}

// Menus close when something else is pressed.
document.addEventListener("click", (e) => {
  for (const d of document.querySelectorAll("details.menu[open], details.pop[open]")) if (!d.contains(e.target)) d.open = false;
});

document.addEventListener("keydown", onKey);
tellZone();
refreshTimes();
setInterval(refreshTimes, 30000);
follow();
poll();
