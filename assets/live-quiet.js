// The form of a silence: what is picked becomes the fields that are sent, and nothing is sent before its preview was seen.
(() => {
  "use strict";
  const FIELDS = ["rule", "domain", "asset", "street", "levels"];

  function picked(form) {
    const chosen = new URLSearchParams(form.querySelector("[name=match]:checked")?.value || "");
    const levels = form.querySelector("select[name=levels]").value;
    if (levels) chosen.set("levels", levels);
    return chosen;
  }

  // Another choice: the fields follow, and the preview is asked for anew.
  function follow(form) {
    const chosen = picked(form);
    for (const name of FIELDS.slice(0, -1)) form.querySelector(`input[name=${name}]`).value = chosen.get(name) || "";
    const key = `silence-preview:${chosen}`;
    const box = form.querySelector(".preview");
    if (box.firstElementChild?.dataset.panel === key) return;
    const host = document.createElement("div");
    host.dataset.panel = key;
    box.replaceChildren(host);
    ready(form);
  }

  // It may be sent once the preview of this very choice is there.
  function ready(form) {
    const shown = form.querySelector(".preview [data-hides]");
    form.querySelector("input[name=seen]").value = shown ? shown.dataset.hides : "";
    form.querySelector("[type=submit]").disabled = !shown;
  }

  addEventListener("change", (event) => {
    const form = event.target.closest("form[data-silence]");
    if (form) follow(form);
  });

  new MutationObserver((changes) => {
    const form = document.querySelector("form[data-silence]");
    if (!form) return;
    if (!form.dataset.begun) {
      form.dataset.begun = "1";
      follow(form);
    }
    if (changes.some((one) => form.contains(one.target))) ready(form);
  }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-hides"] });
})();
