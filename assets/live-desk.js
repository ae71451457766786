// What people do about an alert: a step by button or form, a photograph of the site. The answer comes back as a panel like everything else.
(() => {
  "use strict";
  const cockpit = (window.cockpit = window.cockpit || {});

  const at = (alert, what) => `/api/v1/alerts/${encodeURIComponent(alert)}/${what}`;

  function tell(el, words, title) {
    const line = el.closest("[data-panel]")?.querySelector("[data-said]");
    if (line) line.textContent = words;
    else Object.assign(el, { textContent: words });
    el.title = title || "";
  }

  async function send(el, url, options) {
    el.disabled = true;
    try {
      const answer = await fetch(url, { method: "POST", ...options, headers: { ...options.headers, "x-csrf-token": cockpit.csrf() } });
      if (answer.ok) return true;
      const said = await answer.json().catch(() => ({}));
      tell(el, half(said.detail) || cockpit.say("未送达，再试一次", "Not sent, try again"), `${answer.status}`);
    } catch (failure) {
      tell(el, cockpit.say("未送达，再试一次", "Not sent, try again"), String(failure.message || failure));
    }
    el.disabled = false;
    return false;
  }

  // A refusal comes as 中文 (English): each screen shows its half.
  function half(detail) {
    const found = /^(.*?) \((.*)\)$/s.exec(detail || "");
    return found ? cockpit.say(found[1], found[2]) : detail;
  }

  const json = (fields) => ({ headers: { "content-type": "application/json" }, body: JSON.stringify(fields) });

  cockpit.step = (button) => send(button, at(button.dataset.alert, `steps/${button.dataset.step}`), json({}));

  // A command that is no step of an alert: its address on the button or form, what it says in data-fields or the form.
  cockpit.post = (button) => send(button, button.dataset.post, { headers: json({}).headers, body: button.dataset.fields || "{}" });

  addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-post]");
    if (!form) return;
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    if (!(await send(button, form.dataset.post, json(Object.fromEntries(new FormData(form)))))) return;
    cockpit.go({ drawer: null });
    if (form.dataset.then && location.pathname !== form.dataset.then) cockpit.visit(form.dataset.then);
  });

  addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-step]");
    if (!form) return;
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    if (!(await send(button, at(form.dataset.alert, `steps/${form.dataset.step}`), json(Object.fromEntries(new FormData(form)))))) return;
    form.reset();
    button.disabled = false;
    form.closest("details").open = false;
  });

  addEventListener("change", async (event) => {
    const input = event.target.closest("input[data-photo]");
    const file = input && input.files[0];
    if (!file) return;
    if (await send(input, at(input.dataset.photo, "photos"), { headers: { "content-type": file.type }, body: file })) input.disabled = false;
    input.value = "";
  });
})();
