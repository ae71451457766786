// Who the header says one is: asked of the server, shown on every surface; and the way to the sign-in when a session is over.
(() => {
  "use strict";
  const cockpit = (window.cockpit = window.cockpit || {});
  const root = document.documentElement;
  const TOUCH_MS = 60000; // somebody here is told to the server at most this often
  let asked = "", shown = "", touched = performance.now();

  // The mark our pages repeat with every write: another site's page cannot read it.
  cockpit.csrf = () => {
    const found = /(?:^|; )(?:__Host-)?cockpit_csrf=([^;]*)/.exec(document.cookie);
    return found ? found[1] : "";
  };

  const here = () => encodeURIComponent(location.pathname + location.search);
  cockpit.signedOut = () => location.assign(`/sign-in?next=${here()}${cockpit.say("", "&lang=en")}`);

  async function ask(byHand) {
    const address = `/who?next=${here()}${cockpit.say("", "&lang=en")}${byHand ? "&here=1" : ""}`;
    if (address.replace("&here=1", "") === asked.replace("&here=1", "") && !byHand) return;
    asked = address;
    const answer = await fetch(address, { cache: "no-store" }).catch(() => null);
    if (!answer || !answer.ok || address !== asked) return;
    shown = await answer.text();
    place(true);
  }

  // The frame may come later than the answer, and panels redraw the foot of a wall.
  function place(anew) {
    const el = document.getElementById("who"), foot = document.getElementById("who-wall");
    if (!el || !shown) return;
    if (anew || !el.firstChild) {
      el.innerHTML = shown;
      root.dataset.may = el.querySelector("[data-may]")?.dataset.may || "";
    }
    const words = el.querySelector(".me-scope")?.textContent || "";
    if (foot && foot.textContent !== words) foot.textContent = words;
  }

  function touch() {
    if (performance.now() - touched < TOUCH_MS) return;
    touched = performance.now();
    ask(true);
  }

  function start() {
    for (const sign of ["pointerdown", "pointermove", "keydown", "wheel"]) addEventListener(sign, touch, { passive: true });
    addEventListener("click", (event) => {
      const open = document.querySelector("#who details[open]");
      if (open && !open.contains(event.target)) open.open = false;
    });
    setInterval(() => {
      ask(false);
      place(false);
    }, 1000);
    ask(false);
  }

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
