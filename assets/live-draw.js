// Putting a panel's content on the page: HTML by changing only what differs, figures through Dash, and no figure can freeze a graph.
(() => {
  "use strict";
  const cockpit = (window.cockpit = window.cockpit || {});
  const drawn = new WeakMap(); // host → version it shows

  // ---- Plotly: a rejected promise would stop its graph for good, so none leaves
  const GUARDED = ["newPlot", "react", "animate", "extendTraces", "prependTraces", "restyle", "relayout", "update"];
  function guard(plotly) {
    if (!plotly || plotly.guarded) return plotly;
    for (const name of GUARDED) {
      const real = plotly[name];
      if (typeof real !== "function") continue;
      plotly[name] = function (graph, ...rest) {
        const failed = (why) => {
          console.info(`figure not drawn (${name}): ${why && why.message ? why.message : why}`);
          return graph;
        };
        try {
          return Promise.resolve(real.call(this, graph, ...rest)).catch(failed);
        } catch (why) {
          return Promise.resolve(failed(why));
        }
      };
    }
    plotly.guarded = true;
    return plotly;
  }
  let plotly = guard(window.Plotly);
  Object.defineProperty(window, "Plotly", { configurable: true, get: () => plotly, set: (loaded) => { plotly = guard(loaded); } });

  // ---- HTML: change in place what differs, so that focus, scroll, selection and hover stay where they are
  const keyOf = (node) =>
    node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || node.dataset.drawer || node.dataset.alert || node.dataset.asset || node.dataset.street || "" : "";
  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName;

  function attributes(have, want) {
    for (const { name } of [...have.attributes]) if (!want.hasAttribute(name) && !(name === "open" && have.nodeName === "DETAILS")) have.removeAttribute(name);
    for (const { name, value } of want.attributes) if (have.getAttribute(name) !== value) have.setAttribute(name, value);
  }

  function patch(have, want) {
    if (have.nodeType !== Node.ELEMENT_NODE) {
      if (have.nodeValue !== want.nodeValue) have.nodeValue = want.nodeValue;
      return;
    }
    attributes(have, want);
    if (document.activeElement !== have || !["INPUT", "TEXTAREA", "SELECT"].includes(have.nodeName)) children(have, want);
  }

  function children(have, want) {
    const keyed = new Map();
    for (const child of have.children) if (keyOf(child)) keyed.set(child.nodeName + keyOf(child), child);
    let at = have.firstChild;
    for (const next of [...want.childNodes]) {
      const key = keyOf(next);
      let found = key ? keyed.get(next.nodeName + key) : at && !keyOf(at) && alike(at, next) ? at : null;
      keyed.delete(next.nodeName + key);
      if (!found) {
        have.insertBefore(next, at);
        continue;
      }
      if (found === at) at = at.nextSibling;
      else have.insertBefore(found, at);
      patch(found, next);
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  function html(host, text) {
    const template = document.createElement("template");
    template.innerHTML = text;
    children(host.querySelector(":scope > [data-html]") || host, template.content);
    cockpit.tick(host);
  }

  // Colours come as token names (@plot-line): one figure for all screens, each in its own theme.
  function tinted(value, style) {
    if (typeof value === "string" && value.startsWith("@")) return style.getPropertyValue("--" + value.slice(1)).trim();
    if (Array.isArray(value)) return value.map((one) => tinted(one, style));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, tinted(one, style)]));
    return value;
  }

  const figures = new Map(); // host → figure as it came
  cockpit.retint = () => {
    for (const [host, value] of figures) if (host.isConnected) figure(host, value); else figures.delete(host);
  };
  new MutationObserver(() => cockpit.retint()).observe(document.documentElement, { attributeFilter: ["data-theme", "data-surface"] });

  function figure(host, value, tries = 0) {
    const id = host.dataset.graph;
    if (!id) return;
    figures.set(host, value);
    const style = getComputedStyle(document.documentElement);
    const size = (Number.parseFloat(style.fontSize) / 10.667) * 12; // the chart's words keep the surface's distance
    const sized = { ...value, layout: { ...value.layout, font: { ...value.layout.font, size: Math.max(12, size) } } };
    if (window.dash_clientside && dash_clientside.set_props && document.getElementById(id)) dash_clientside.set_props(id, { figure: tinted(sized, style) });
    else if (tries < 50 && host.isConnected) setTimeout(() => figure(host, value, tries + 1), 100); // Dash is still putting the page together
  }

  cockpit.draw = (host, piece) => {
    if (drawn.get(host) === piece.v) return;
    drawn.set(host, piece.v);
    if (typeof piece.html === "string") html(host, piece.html);
    if (piece.figure) figure(host, piece.figure);
    host.removeAttribute("aria-busy");
    host.dataset.version = piece.v;
  };
})();
