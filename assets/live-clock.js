// Time on screen: a clock set by the server, ages that count on whatever happens to the connection, and a wall's slow orbit.
(() => {
  "use strict";
  const cockpit = (window.cockpit = window.cockpit || {});
  const root = document.documentElement;
  const ZONE = "Asia/Shanghai";

  // The server's time when it last spoke, carried on by this machine's steady clock: a wall's own clock may be wrong.
  let told = Date.now(), heard = performance.now();
  cockpit.setNow = (iso) => {
    const at = Date.parse(iso);
    if (Number.isFinite(at)) [told, heard] = [at, performance.now()];
  };
  cockpit.now = () => told + (performance.now() - heard);

  const shape = (options) => {
    const zh = new Intl.DateTimeFormat("zh-CN", { timeZone: ZONE, hourCycle: "h23", ...options });
    const en = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hourCycle: "h23", ...options });
    return (ms) => cockpit.say(zh, en).format(ms);
  };
  const SHAPES = {
    time: shape({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    minute: shape({ hour: "2-digit", minute: "2-digit" }),
    date: shape({ month: "long", day: "numeric", weekday: "short" }),
    day: shape({ year: "numeric", month: "long", day: "numeric", weekday: "long" }),
  };
  cockpit.clockText = (ms) => SHAPES.minute(ms);
  const hourOfCity = (ms) => new Date(ms + 8 * 3600000).getUTCHours();

  // 45秒 / 18分 / 3时27分 / 2天4时
  function span(seconds) {
    const s = Math.max(0, Math.floor(seconds)), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
    if (d) return cockpit.say(`${d}天${h % 24}时`, `${d} d ${h % 24} h`);
    if (h) return cockpit.say(`${h}时${m % 60}分`, `${h} h ${m % 60} min`);
    if (m) return cockpit.say(`${m}分`, `${m} min`);
    return cockpit.say(`${s}秒`, `${s} s`);
  }

  function age(seconds) {
    return seconds < 60 ? span(seconds) + cockpit.say("前", " ago") : span(seconds);
  }

  function due(seconds) {
    if (seconds < 0) return cockpit.say(`余${span(-seconds)}`, `${span(-seconds)} left`);
    return cockpit.say(`超${span(seconds)}`, `${span(seconds)} over`);
  }

  // Written into the text node in place: no new nodes, no work for observers.
  function write(el, text) {
    const into = el.querySelector(":scope > [data-age-text]") || el;
    const only = into.firstChild;
    if (only && only === into.lastChild && only.nodeType === Node.TEXT_NODE) {
      if (only.nodeValue !== text) only.nodeValue = text;
    } else into.textContent = text;
  }

  function oneAge(el, now) {
    const seconds = (now - Date.parse(el.dataset.asof)) / 1000;
    if (!Number.isFinite(seconds)) return;
    write(el, age(seconds));
    const cadence = Number(el.dataset.cadence);
    if (!cadence) return;
    const state = seconds <= cadence ? "fresh" : seconds <= 3 * cadence ? "late" : "silent";
    for (const name of ["fresh", "late", "silent"]) if (el.classList.contains(name) !== (name === state)) el.classList.toggle(name);
  }

  // A page in replay stands still: its ages are those of the moment it shows.
  function moment() {
    const at = new URLSearchParams(location.search).get("at") || "";
    const m = at.match(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/);
    return m ? Date.UTC(m[1], m[2] - 1, m[3], m[4], m[5], m[6]) : cockpit.now();
  }

  cockpit.tick = (within = document) => {
    const now = moment();
    for (const el of within.querySelectorAll("[data-asof]")) oneAge(el, now);
    for (const el of within.querySelectorAll("[data-since]")) {
      const seconds = (now - Date.parse(el.dataset.since)) / 1000;
      if (Number.isFinite(seconds)) write(el, span(seconds));
    }
    for (const el of within.querySelectorAll("[data-due]")) {
      const seconds = (now - Date.parse(el.dataset.due)) / 1000;
      if (!Number.isFinite(seconds)) continue;
      write(el, due(seconds));
      el.classList.toggle("overdue", seconds >= 0);
    }
    for (const el of within.querySelectorAll("[data-clock]")) write(el, (SHAPES[el.dataset.clock] || SHAPES.time)(cockpit.now()));
  };

  // Burn-in: the stage walks a small square, a pixel a minute, within four pixels of its place; nights are dimmed.
  function orbit() {
    const wall = root.dataset.surface === "wall";
    const stage = document.getElementById("stage") || document.body;
    const dim = wall && (hourOfCity(cockpit.now()) >= 22 || hourOfCity(cockpit.now()) < 6) ? "night" : "";
    if ((root.dataset.hours || "") !== dim) root.dataset.hours = dim;
    const step = Math.floor(cockpit.now() / 60000) % 32, side = Math.floor(step / 8), along = step % 8;
    const [x, y] = [[-4 + along, -4], [4, -4 + along], [4 - along, 4], [-4, 4 - along]][side];
    const place = wall ? `${x}px ${y}px` : "";
    if (stage.style.translate !== place) stage.style.translate = place;
  }

  cockpit.startClock = () => {
    cockpit.tick();
    orbit();
    setInterval(() => {
      if (!document.hidden) cockpit.tick();
      if (cockpit.watch) cockpit.watch();
    }, 1000);
    setInterval(orbit, 60000);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) cockpit.tick(); });
    addEventListener("resize", orbit);
  };
})();
