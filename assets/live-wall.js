// A wall that nobody touches may walk through the pages: ?rotate=30 shows each for 30 s; an unacknowledged red stops it.
(() => {
  "use strict";
  const cockpit = (window.cockpit = window.cockpit || {});
  const root = document.documentElement;
  let since = performance.now(), page = location.pathname;

  const dwell = () => Math.max(0, Number(new URLSearchParams(location.search).get("rotate")) || 0);
  const round = () => [...document.querySelectorAll("#rounds [data-round]")].map((el) => ({ path: el.dataset.round, zh: el.dataset.zh, en: el.dataset.en }));
  const alarmed = () => document.querySelector(".al.g-red .st-new, .hot-red .st-new");

  function step() {
    const seconds = dwell(), pages = round();
    if (root.dataset.surface !== "wall" || !seconds || pages.length < 2) return;
    if (location.pathname !== page) [page, since] = [location.pathname, performance.now()];
    const at = Math.max(0, pages.findIndex((one) => one.path === page));
    const next = pages[(at + 1) % pages.length];
    const left = Math.max(0, Math.ceil(seconds - (performance.now() - since) / 1000));
    const stopped = alarmed();
    say(pages[at], `${at + 1}/${pages.length}`, next, left, stopped);
    if (left || stopped || root.classList.contains("is-lost")) return;
    since = performance.now();
    cockpit.visit(`${next.path}?rotate=${seconds}`);
  }

  function say(here, place, next, left, stopped) {
    const el = document.getElementById("rotation");
    if (!el) return;
    const text = stopped
      ? cockpit.say(`轮播停在${here.zh}：红色预警待确认`, `Stopped on ${here.en}: red alert to acknowledge`)
      : cockpit.say(`轮播 ${here.zh} ${place}，${left}秒后 ${next.zh}`, `${here.en} ${place}, ${next.en} in ${left} s`);
    if (el.textContent !== text) el.textContent = text;
  }

  setInterval(step, 1000);
})();
