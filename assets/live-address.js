// The address holds what a screen looks at: filters, time, drawer, language. Clicks change it; everything else follows from it.
(() => {
  "use strict";
  const cockpit = (window.cockpit = window.cockpit || {});
  const root = document.documentElement;
  const LEVELS = ["red", "orange", "yellow", "blue"];
  const STATES = ["new", "in_hand", "closed"];
  const FILTERS = ["scope", "level", "state", "system", "asset", "t0", "t1", "at"];
  const KEPT = ["scope", "level", "state", "t0", "t1", "at", "lang", "theme", "surface"]; // carried from page to page

  const params = () => new URLSearchParams(location.search);
  const en = () => params().get("lang") === "en";
  cockpit.say = (zh, english) => (en() ? english : zh);

  function address(path, query) {
    const text = query.toString();
    return path + (text ? "?" + text : "");
  }

  // Change parameters (null removes one) and let every panel follow.
  function go(changes) {
    const query = params();
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") query.delete(name);
      else query.set(name, value);
    }
    const next = address(location.pathname, query);
    if (next !== location.pathname + location.search) history.pushState({}, "", next);
    follow();
  }
  cockpit.go = go;

  function follow() {
    dress();
    showDrawer();
    if (cockpit.resubscribe) cockpit.resubscribe();
  }

  // One value, or with shift several: choosing what is already chosen lets it go.
  function chosen(name, value, glue, more) {
    const before = (params().get(name) || "").split(glue).filter(Boolean);
    const rest = before.filter((one) => one !== value);
    if (more) return { [name]: (rest.length < before.length ? rest : [...before, value]).sort().join(glue) };
    return { [name]: before.length === 1 && before[0] === value ? null : value };
  }

  function clear(what) {
    const [name, value] = what.split(/:(.*)/);
    const target = { street: "scope", time: "t", window: "t" }[name] || name;
    if (target === "all") return go(Object.fromEntries(FILTERS.map((f) => [f, null])));
    if (target === "t") return go({ t0: null, t1: null });
    if (!value) return go({ [target]: null });
    const glue = target === "scope" ? "+" : ",";
    go({ [target]: (params().get(target) || "").split(glue).filter((one) => one && one !== value).join(glue) });
  }

  // ---- what a click on an element means; false: nothing, ask its parent
  function act(el, event) {
    const data = el.dataset;
    const more = event.shiftKey || event.ctrlKey || event.metaKey;
    if (data.step && data.alert && el.nodeName === "BUTTON") return cockpit.step(el), true;
    if (data.post && el.nodeName === "BUTTON") return cockpit.post(el), true;
    if (data.clear) return clear(data.clear), true;
    if (data.themeSet) return setTheme(data.themeSet), true;
    if (data.langSet) return go({ lang: data.langSet === "en" ? "en" : null }), true;
    const changes = {};
    if (/^\d{9}$/.test(data.street || "")) Object.assign(changes, chosen("scope", data.street, "+", more));
    if (data.system) Object.assign(changes, chosen("system", data.system, ",", false));
    if (LEVELS.includes(data.level)) Object.assign(changes, chosen("level", data.level, ",", more));
    if (STATES.includes(data.state)) Object.assign(changes, chosen("state", data.state, ",", more));
    if (data.asset) Object.assign(changes, chosen("asset", data.asset, "\n", false));
    if (data.drawer) changes.drawer = data.drawer;
    if (!Object.keys(changes).length) return false;
    go(changes); // one click, one step back
    return true;
  }

  function onClick(event) {
    if (event.defaultPrevented || event.button !== 0) return;
    const link = event.target.closest("a[href]");
    for (let el = event.target; el && el !== document.body && el !== link; el = el.parentElement) {
      if (el.dataset && act(el, event)) return event.preventDefault();
    }
    if (link) onLink(event, link);
  }

  // A link to a page of ours changes the page without loading it anew, and takes the filters along.
  function onLink(event, link) {
    if (act(link, event)) return event.preventDefault();
    const url = new URL(link.href, location.href);
    const foreign = url.origin !== location.origin || link.target || link.hasAttribute("download") || event.ctrlKey || event.metaKey || event.shiftKey;
    if (foreign || /^\/(api|assets|panels|metrics|healthz|readyz)\b/.test(url.pathname)) return;
    event.preventDefault();
    event.stopPropagation();
    visit(url);
  }

  function visit(url) {
    const query = new URLSearchParams(url.search);
    for (const [name, value] of params()) if (KEPT.includes(name) && !query.has(name)) query.set(name, value);
    const next = address(url.pathname, query);
    if (next === location.pathname + location.search) return;
    history.pushState({}, "", next);
    dispatchEvent(new CustomEvent("_dashprivate_pushstate")); // how Dash learns of a new page
    scrollTo(0, 0);
    follow();
  }
  cockpit.visit = (path) => visit(new URL(path, location.href));

  // What looks like a button answers to the keyboard like one.
  function onKey(event) {
    if (event.key === "Escape" && params().has("drawer")) return go({ drawer: null });
    const el = event.target;
    if (!(el instanceof Element) || !["Enter", " "].includes(event.key) || el.closest("button, a[href], input, select, textarea, summary")) return;
    if (el.hasAttribute("tabindex")) {
      event.preventDefault();
      el.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: event.shiftKey }));
    }
  }

  // ---- the drawer: a panel like any other, open while its key is in the address
  let opener = null;
  function showDrawer() {
    const key = params().get("drawer") || "";
    const aside = document.getElementById("drawer"); // absent until the page's frame is there
    if (!aside || (aside.dataset.shows || "") === key) return;
    aside.dataset.shows = key;
    aside.hidden = !key;
    if (key) {
      root.dataset.drawer = key.split(":")[0];
      opener = opener || document.activeElement;
      aside.tabIndex = -1;
      const close = Object.assign(document.createElement("button"), { type: "button", className: "drawer-close", textContent: "×" });
      close.dataset.clear = "drawer";
      close.setAttribute("aria-label", cockpit.say("关闭", "Close"));
      const host = Object.assign(document.createElement("div"), { className: "drawer-body" });
      host.dataset.panel = key;
      aside.replaceChildren(close, host);
      aside.focus({ preventScroll: true });
    } else {
      delete root.dataset.drawer;
      aside.replaceChildren();
      if (opener && opener.isConnected) opener.focus({ preventScroll: true });
      opener = null;
    }
  }

  // ---- surface, theme, language: attributes that styles go by
  function surface() {
    const asked = params().get("surface");
    if (["wall", "desk", "phone"].includes(asked)) return asked;
    const w = innerWidth, h = innerHeight;
    if (w <= 640) return "phone";
    return w >= 1680 && h >= 1000 && w / h >= 1.5 ? "wall" : "desk";
  }

  function stored() {
    try { return localStorage.getItem("theme"); } catch { return null; } // a kiosk may forbid storage
  }

  function dress() {
    const set = (name, value) => { if (root.getAttribute(name) !== value) root.setAttribute(name, value); };
    const on = surface();
    const asked = [params().get("theme"), stored()].find((theme) => theme === "night" || theme === "day");
    const theme = asked || (on === "wall" ? "night" : "day");
    set("data-surface", on);
    set("data-theme", theme);
    set("data-bs-theme", theme === "night" ? "dark" : "light");
    set("lang", en() ? "en" : "zh-CN");
    set("data-path", location.pathname);
    root.toggleAttribute("data-replay", params().has("at"));
  }

  function setTheme(wanted) {
    const theme = wanted === "toggle" ? (root.dataset.theme === "night" ? "day" : "night") : wanted;
    try { localStorage.setItem("theme", theme); } catch { /* the address keeps it too */ }
    go({ theme });
  }

  // ---- the time strip: drag a window, drag the head into the past
  const moment = (ms) => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
  let drag = null;

  function onDown(event) {
    const zone = event.target.closest && event.target.closest("[data-strip], .when"); // half of the head's reach lies outside the strip
    const strip = zone && (zone.matches("[data-strip]") ? zone : zone.querySelector("[data-strip]"));
    if (!strip || event.button !== 0 || root.dataset.surface === "wall" || event.target.closest("button, a")) return;
    const box = strip.getBoundingClientRect();
    const head = strip.querySelector("[data-strip-head], .head");
    const near = head && Math.abs(event.clientX - (head.getBoundingClientRect().left + head.offsetWidth / 2)) < 10;
    if (zone !== strip && !near) return;
    const mark = document.createElement("div");
    mark.className = near ? "strip-mark strip-mark-head" : "strip-mark";
    drag = { box, near, mark, from: event.clientX, t0: Date.parse(strip.dataset.t0), t1: Date.parse(strip.dataset.t1), moved: false };
  }

  const within = (x) => Math.min(Math.max(x, drag.box.left), drag.box.right);
  const timeAt = (x) => Math.round((drag.t0 + ((within(x) - drag.box.left) / drag.box.width) * (drag.t1 - drag.t0)) / 60000) * 60000;

  function onMove(event) {
    if (!drag) return;
    if (!drag.moved && Math.abs(event.clientX - drag.from) < 5) return;
    if (!drag.moved) document.body.appendChild(drag.mark);
    drag.moved = true;
    event.preventDefault();
    const a = within(drag.near ? event.clientX : Math.min(drag.from, event.clientX));
    const b = within(drag.near ? event.clientX : Math.max(drag.from, event.clientX));
    Object.assign(drag.mark.style, {
      position: "fixed", pointerEvents: "none", zIndex: 50, background: "currentColor", opacity: drag.near ? 0.9 : 0.25,
      left: `${a}px`, width: `${Math.max(2, b - a)}px`, top: `${drag.box.top}px`, height: `${drag.box.height}px`,
    });
  }

  function onUp(event) {
    if (!drag) return;
    const done = drag;
    if (done.moved) {
      const x = timeAt(event.clientX), from = timeAt(done.from);
      if (done.near) go({ at: done.t1 - x < 120000 ? null : moment(x) });
      else if (x !== from) go({ t0: moment(Math.min(x, from)), t1: moment(Math.max(x, from)) });
    }
    done.mark.remove();
    drag = null;
  }

  function onStripKey(event) {
    const strip = event.target.closest && event.target.closest("[data-strip]");
    if (!strip || !["ArrowLeft", "ArrowRight"].includes(event.key) || root.dataset.surface === "wall") return;
    event.preventDefault();
    const text = params().get("at");
    const at = text ? Date.parse(text.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, "$1-$2-$3T$4:$5:$6Z")) : Date.parse(strip.dataset.t1);
    const next = at + (event.key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? 3600000 : 300000);
    go({ at: next >= cockpit.now() ? null : moment(Math.floor(next / 60000) * 60000) });
  }

  cockpit.startAddress = () => {
    dress();
    addEventListener("click", onClick, true);
    addEventListener("keydown", onKey);
    addEventListener("keydown", onStripKey);
    addEventListener("pointerdown", onDown);
    addEventListener("pointermove", onMove);
    addEventListener("pointerup", onUp);
    addEventListener("pointercancel", () => { if (drag) drag.mark.remove(); drag = null; });
    addEventListener("popstate", follow);
    addEventListener("resize", () => { // turned or resized, a screen may have become another surface, with other panels
      dress();
      if (cockpit.resubscribe) cockpit.resubscribe();
    });
    showDrawer();
  };
  cockpit.showDrawer = showDrawer;
  dress(); // before the first paint
})();
