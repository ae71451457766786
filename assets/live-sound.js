// What was just told on the screens stands there for a while, and is heard where sound is allowed: a wall is silent until it is.
(() => {
  "use strict";
  const root = document.documentElement;
  const SHOWN_MS = 20000;
  const BELL = "声音 Sound";
  const ORDER = ["none", "tick", "chime", "alarm"];
  // Each preset in tones: hertz, when it begins and how long it lasts, in seconds.
  const PRESETS = {
    alarm: [0, 0.5, 1].flatMap((at) => [[880, at, 0.18], [660, at + 0.22, 0.18]]),
    chime: [[659, 0, 0.35], [880, 0.22, 0.5]],
    tick: [[988, 0, 0.09]],
    none: [],
  };
  let newest = null; // the last notice seen; null: the first picture, which tells what was told before we came
  const until = new Map(); // notice → when it leaves the screen
  let unsent = "", unsentUntil = 0;
  let audio = null;

  // ---- allowed or not: the address says, else what was last chosen here, else everywhere but on walls
  function chosen() {
    const asked = new URLSearchParams(location.search).get("sound");
    if (asked === "on" || asked === "off") return asked;
    try { return localStorage.getItem("sound") || ""; } catch { return ""; } // a kiosk may forbid storage
  }
  const allowed = () => (chosen() || (root.dataset.surface === "wall" ? "off" : "on")) === "on";

  function toggle() {
    try { localStorage.setItem("sound", allowed() ? "off" : "on"); } catch { /* for this page only, by the address */ }
    if (allowed()) play("tick");
    dress();
  }

  function dress() {
    const on = String(allowed());
    for (const button of document.querySelectorAll("[data-sound-toggle]")) if (button.getAttribute("aria-pressed") !== on) button.setAttribute("aria-pressed", on);
  }

  // A browser lets a page be heard once somebody touched it; a kiosk whose address says ?sound=on is set up to be heard at once.
  const mayBegin = () => new URLSearchParams(location.search).get("sound") === "on" || !navigator.userActivation || navigator.userActivation.hasBeenActive;

  // ---- sound, made here: no file to fetch
  function play(preset) {
    const tones = PRESETS[preset] || [];
    if (!tones.length || !window.AudioContext || !(audio || mayBegin())) return;
    audio = audio || new AudioContext();
    const sound = () => tones.forEach(([hertz, at, length]) => tone(hertz, audio.currentTime + at, length));
    if (audio.state === "suspended") audio.resume().then(sound, () => {}); // browsers want a gesture first
    else sound();
    root.dataset.heard = preset;
  }

  function tone(hertz, at, length) {
    const source = audio.createOscillator(), volume = audio.createGain();
    source.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.3, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + length);
    source.connect(volume).connect(audio.destination);
    source.start(at);
    source.stop(at + length + 0.05);
  }

  // ---- what is new
  function look() {
    const host = document.getElementById("notices");
    const list = host && host.querySelector(".told");
    if (!list) return;
    const told = [...list.querySelectorAll("[data-told]")];
    const last = Math.max(0, ...told.map((el) => Number(el.dataset.told)));
    if (newest === null) newest = last;
    const fresh = told.filter((el) => Number(el.dataset.told) > newest);
    newest = Math.max(newest, last);
    for (const el of fresh) until.set(el.dataset.told, performance.now() + SHOWN_MS);
    if (fresh.length && allowed()) play(fresh.map((el) => el.dataset.sound).sort((a, b) => ORDER.indexOf(b) - ORDER.indexOf(a))[0]);
    show(told);
    trouble([...host.querySelectorAll(".unsent")]);
  }

  // What reached nobody: said for a while when it is new, and kept at the bell for as long as it is so.
  function trouble(lines) {
    const said = lines.map((el) => el.textContent).join("\n");
    const bell = document.querySelector(".bell");
    if (said !== unsent) {
      unsent = said;
      unsentUntil = performance.now() + SHOWN_MS;
      if (bell) bell.title = said || BELL;
    }
    if (bell && bell.classList.contains("troubled") !== Boolean(said)) bell.classList.toggle("troubled");
    const fresh = performance.now() < unsentUntil;
    for (const el of lines) if (el.classList.contains("fresh") !== fresh) el.classList.toggle("fresh");
  }

  function show(told) {
    for (const [id, end] of until) if (performance.now() > end) until.delete(id);
    for (const el of told) if (el.classList.contains("fresh") !== until.has(el.dataset.told)) el.classList.toggle("fresh");
  }

  function start() {
    addEventListener("click", (event) => { if (event.target.closest && event.target.closest("[data-sound-toggle]")) toggle(); });
    setInterval(() => { look(); dress(); }, 500);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
