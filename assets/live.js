// The live channel of a screen: one socket that never gives up, the newest picture only, and a banner when the server is lost.
(() => {
  "use strict";
  const cockpit = (window.cockpit = window.cockpit || {});
  const root = document.documentElement;
  const LOST_MS = 10000; // heartbeats come every 5 s: two missed and the screen says so
  const DEAD_MS = 12000; // a socket that is silent this long is replaced, though nobody closed it
  const SIGNED_OUT = 4401; // the server's word for: nobody we know any more
  const WORKER_S = 60;
  const UNMADE_MS = 15000; // the server is there, yet the page is not: one of its scripts was lost on the way

  let wire = null; // { send(wish), close() }
  let tries = 0, refused = 0, retry = 0;
  let heard = performance.now(), heardAt = cockpit.now();
  let wished = "", view = "", beat = {}, first = null;
  let pieces = new Map(); // panel → newest piece of this view, for hosts that come later
  let order = Promise.resolve(); // messages are taken in the order they came, though unpacking takes time
  let surveying = false;

  // ---- what this screen shows
  const shown = (host) => !host.dataset.on || host.dataset.on.split(" ").includes(root.dataset.surface);
  const hosts = () => [...document.querySelectorAll("[data-panel]")].filter(shown);
  function wish() {
    const panels = document.hidden ? [] : [...new Set(hosts().map((host) => host.dataset.panel))].sort();
    return { panels, query: location.search.slice(1) };
  }

  function subscribe(anew) {
    const text = JSON.stringify(wish());
    if (!wire || (text === wished && !anew)) return;
    wished = text;
    wire.send(text);
  }

  function survey() {
    surveying = false;
    for (const host of hosts()) {
      const piece = pieces.get(host.dataset.panel);
      if (piece && !document.hidden) cockpit.draw(host, piece);
    }
    cockpit.showDrawer();
    subscribe(false);
  }

  function noticed() {
    if (surveying) return;
    surveying = true;
    setTimeout(survey, 16);
  }

  // ---- messages
  function said(message) {
    heard = performance.now();
    heardAt = cockpit.now();
    if ("view" in message && !("panels" in message)) {
      if (message.view !== view) pieces = new Map();
      view = message.view;
    } else if ("panels" in message) pictures(message);
    else heartbeat(message);
  }

  function pictures(frame) {
    if (frame.view !== view || document.hidden) return;
    for (const [panel, piece] of Object.entries(frame.panels)) pieces.set(panel, piece);
    for (const host of hosts()) {
      const piece = frame.panels[host.dataset.panel];
      if (!piece) continue;
      try {
        cockpit.draw(host, piece);
      } catch (why) {
        console.info(`panel ${host.dataset.panel} not drawn: ${why}`); // one bad panel must not cost the others
      }
    }
  }

  function heartbeat(message) {
    cockpit.setNow(message.now);
    heardAt = cockpit.now();
    beat = message;
    first = first || message;
    if (message.build !== first.build) reload(4000);
    else if (message.night !== first.night && root.dataset.surface === "wall") reload(60000);
    banner();
  }

  let reloading = false;
  function reload(within) {
    const last = Number(sessionStorage.getItem("cockpit-reloaded") || 0);
    if (reloading || Date.now() - last < 60000) return; // two servers of different builds must not make a screen flicker
    reloading = true;
    sessionStorage.setItem("cockpit-reloaded", String(Date.now()));
    setTimeout(() => location.reload(), Math.random() * within); // not all screens at once
  }

  async function unpack(data) {
    if (typeof data === "string") return JSON.parse(data);
    return new Response(new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  }

  function take(data) {
    if (document.hidden && typeof data !== "string") return; // the newest comes again when the tab is looked at
    order = order.then(() => unpack(data)).then(said).catch((why) => console.info(`message not understood: ${why}`));
  }

  // ---- the socket, and events where sockets do not pass
  function socket() {
    const ws = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
    ws.binaryType = "arraybuffer";
    let opened = false;
    const mine = { send: (text) => { if (ws.readyState === WebSocket.OPEN) ws.send(text); }, close: () => ws.close() };
    ws.onopen = () => {
      opened = true;
      tries = refused = 0;
      heard = performance.now();
      subscribe(true);
    };
    ws.onmessage = (event) => { if (wire === mine) take(event.data); };
    ws.onclose = (event) => {
      if (wire !== mine) return;
      if (event.code === SIGNED_OUT) return cockpit.signedOut();
      if (!opened) refusal();
      again();
    };
    return mine;
  }

  function events() {
    let source = null;
    const mine = {
      send: (text) => {
        const { panels, query } = JSON.parse(text);
        if (source) source.close();
        source = null;
        if (!panels.length) { heard = performance.now(); return; }
        source = new EventSource(`/live/events?panels=${panels.map(encodeURIComponent).join(",")}&${query}`);
        source.onmessage = (event) => { if (wire === mine) take(event.data); };
        source.onerror = () => { if (wire === mine) known().then((is) => (is ? again() : cockpit.signedOut())); };
      },
      close: () => { if (source) source.close(); },
    };
    return mine;
  }

  // Events tell no reason when they end: whether we are still known is asked apart.
  const known = () => fetch("/_dash-dependencies", { cache: "no-store" }).then((answer) => answer.status !== 401, () => true);

  // A server that is away refuses everything; only sockets refused while it answers are stopped by something between us.
  async function refusal() {
    const answers = await fetch("/healthz", { cache: "no-store" }).then((answer) => answer.ok, () => false);
    refused = answers ? refused + 1 : 0;
  }

  function connect() {
    retry = 0;
    if (wire) return;
    const blocked = refused >= 2;
    wire = blocked ? events() : socket();
    if (blocked) {
      refused = 0;
      subscribe(true);
    }
  }

  function again() {
    const old = wire;
    wire = null;
    wished = "";
    if (old) old.close();
    if (retry) return;
    // however long it was away, 12 s after a server is back every screen has asked again, and not all at once
    const wait = Math.min(8000, 400 * 2 ** tries) * (0.5 + Math.random());
    tries = Math.min(tries + 1, 10);
    retry = setTimeout(connect, wait);
  }

  // ---- every second: is the server still there
  cockpit.watch = () => {
    const silent = performance.now() - heard;
    if (wire && silent > DEAD_MS && !(document.hidden && silent < 60000)) again();
    if (!document.getElementById("stage") && performance.now() > UNMADE_MS && silent < LOST_MS) reload(4000);
    banner();
  };

  function trouble() {
    if (performance.now() - heard > LOST_MS) return ["连接中断", "Connection lost", heardAt];
    if (beat.store === false) return ["数据库无应答", "Store not answering", heardAt];
    if (beat.worker_age_s > WORKER_S) return ["采集已停", "Collection stopped", cockpit.now() - beat.worker_age_s * 1000];
    return null;
  }

  function banner() {
    const wrong = trouble();
    const el = document.getElementById("connection");
    if (!el) return; // the page's frame is not there yet
    const text = wrong ? cockpit.say(`${wrong[0]}，画面停在${cockpit.clockText(wrong[2])}`, `${wrong[1]}, picture as of ${cockpit.clockText(wrong[2])}`) : "";
    if (el.textContent !== text) el.textContent = text;
    if (el.hidden !== !wrong) el.hidden = !wrong;
    root.classList.toggle("is-lost", Boolean(wrong));
  }

  // ---- start
  cockpit.resubscribe = () => {
    noticed();
    cockpit.tick();
  };

  function start() {
    cockpit.startAddress();
    cockpit.startClock();
    new MutationObserver(noticed).observe(document.body, { childList: true, subtree: true });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && wire && performance.now() - heard > DEAD_MS) again();
      subscribe(false); // hidden: nothing is sent; seen again: the whole newest picture
    });
    addEventListener("online", () => { if (!wire) { clearTimeout(retry); connect(); } });
    connect();
    noticed();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
