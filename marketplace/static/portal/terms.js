// The form over a draft of terms. The document in the text area is the truth; fields are a view of
// it. Every change is checked by the server, which answers with problems, gaps and sentences.
"use strict";
(() => {
  const page = document.getElementById("terms");
  const words = JSON.parse(document.getElementById("form").textContent);
  const chinese = document.documentElement.lang.startsWith("zh");
  const text = document.getElementById("text");
  const fields = document.getElementById("fields");
  const button = document.querySelector("#save button");
  const SECTIONS = ["benefit", "caps", "minimums", "windows", "payment", "green", "budget"];
  const HIDDEN = new Set(["id", "text_zh", "text_en"]);
  let draft = null;
  let waiting = 0;
  let asked = 0;

  const said = (row) => (chinese ? row.text_zh : row.text_en);
  const call = (path, body) => fetch(path, body === undefined ? {} : {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]").value,
    },
    body: JSON.stringify(body),
  });

  function leaves(node, path, found) {
    for (const [key, value] of Object.entries(node)) {
      if (HIDDEN.has(key)) continue;
      if (value !== null && typeof value === "object") {
        if (!Array.isArray(value) || value.some((each) => each && typeof each === "object")) {
          leaves(value, [...path, key], found);
        }
      } else found.push([[...path, key], value]);
    }
    return found;
  }

  function put(path, value) {
    const last = path[path.length - 1];
    path.slice(0, -1).reduce((node, key) => node[key], draft)[last] = value;
    text.value = JSON.stringify(draft, null, 2);
    check();
  }

  const word = (code) => words.words[code] || code;
  // An amount, or a bound of a fact that is one.
  const isMoney = (path) => path.slice(-2).some((key) => String(key).endsWith("_fen"))
    && !["basis", "fact"].includes(path[path.length - 1]);

  function read(path, old, entered) {
    if (entered === "") return null;
    if (isMoney(path)) {
      const match = /^(\d+)(?:\.(\d{1,2}))?$/.exec(entered.replaceAll(",", ""));
      return match ? Number(match[1]) * 100 + Number((match[2] || "0").padEnd(2, "0")) : entered;
    }
    return typeof old === "number" && /^-?\d+$/.test(entered) ? Number(entered) : entered;
  }

  function control(path, value) {
    const key = path[path.length - 1];
    const choices = words.choices[key];
    const input = document.createElement(choices || typeof value === "boolean" ? "select" : "input");
    if (input.tagName === "SELECT") {
      const known = choices || ["true", "false"];
      for (const each of ["", ...known]) input.add(new Option(each ? word(each) : page.dataset.unknown, each));
      input.value = value === null ? "" : String(value);
    } else if (isMoney(path) && typeof value === "number") {
      input.value = `${Math.floor(value / 100)}${value % 100 ? "." + String(value % 100).padStart(2, "0") : ""}`;
    } else input.value = value === null ? "" : value;
    input.placeholder = page.dataset.unknown;
    input.dataset.pointer = "/" + path.join("/");
    input.addEventListener("input", () => {
      const entered = input.value.trim();
      put(path, typeof value === "boolean" && entered ? entered === "true" : read(path, value, entered));
    });
    return input;
  }

  const isRow = (key) => /^\d+$/.test(key);

  // The line or ceiling a field belongs to, by the sentence it has, else by its place.
  function groupOf(path) {
    const row = path.findIndex(isRow);
    if (row < 0) return word(path[0]);
    const node = path.slice(0, row + 1).reduce((found, key) => found[key], draft);
    const title = chinese ? node.text_zh || node.text_en : node.text_en || node.text_zh;
    return `${word(path[0])} ${Number(path[row]) + 1}${title ? ` · ${title}` : ""}`;
  }

  function labelOf(path) {
    const inner = path.slice(path.findIndex(isRow) + 1 || 1).filter((key) => key !== "when");
    return inner.map((key) => (isRow(key) ? Number(key) + 1 : word(key))).join(" › ");
  }

  function show() {
    fields.replaceChildren();
    for (const section of SECTIONS) {
      if (!draft || draft[section] === undefined || draft[section] === null) continue;
      let group = null;
      for (const [path, value] of leaves(draft[section], [section], [])) {
        const name = groupOf(path);
        if (!group || group.dataset.name !== name) {
          group = document.createElement("fieldset");
          group.dataset.name = name;
          group.append(Object.assign(document.createElement("legend"), { textContent: name }));
          fields.append(group);
        }
        const label = document.createElement("label");
        label.append(`${labelOf(path)}${isMoney(path) ? " (CNY)" : ""}`, control(path, value));
        group.append(label);
      }
    }
  }

  function times() {
    const day = document.getElementById("effective")?.value;
    if (!day) return {};
    const retroactive = document.getElementById("retroactive").checked;
    return { effective_from: `${day}T00:00:00+08:00`, retroactive };
  }

  async function check() {
    const mine = ++asked;
    clearTimeout(waiting);
    await new Promise((resolve) => { waiting = setTimeout(resolve, 250); });
    if (mine !== asked || !text.value.trim()) return;
    const answer = await call(page.dataset.check, { text: text.value, ...times() });
    if (mine !== asked) return;
    if (!answer.ok) { document.getElementById("verdict").textContent = page.dataset.failed; return; }
    tell(await answer.json());
  }

  function tell(told) {
    const list = (id, rows, css) => document.getElementById(id).replaceChildren(...rows.map((row) => {
      const item = document.createElement("li");
      item.className = css;
      item.textContent = said(row);
      if (row.pointer) {
        const where = document.createElement("code");
        where.textContent = row.pointer;
        item.append(" ", where);
      }
      return item;
    }));
    list("problems", [...told.problems, ...told.missing], "unmet");
    list("clauses", told.clauses, "");
    document.getElementById("verdict").textContent = told.can_be_submitted ? page.dataset.sound : "";
    if (button) button.disabled = !told.can_be_submitted;
    if (told.terms && !fields.contains(document.activeElement)) { draft = told.terms; show(); }
    const wrong = new Set([...told.problems, ...told.missing].map((row) => row.pointer));
    for (const input of fields.querySelectorAll("[data-pointer]")) {
      input.setAttribute("aria-invalid", wrong.has(input.dataset.pointer));
    }
  }

  document.getElementById("preset").addEventListener("change", async (event) => {
    if (!event.target.value) return;
    const answer = await call(`${page.dataset.presets}/${encodeURIComponent(event.target.value)}`);
    draft = (await answer.json()).document.terms;
    text.value = JSON.stringify(draft, null, 2);
    show();
    check();
  });
  text.addEventListener("input", check);
  for (const id of ["effective", "retroactive"]) {
    document.getElementById(id)?.addEventListener("change", check);
  }
  document.getElementById("save")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const saved = document.getElementById("saved");
    const answer = await call(page.dataset.save, {
      text: text.value,
      programme: Number(document.getElementById("programme").value),
      ...times(),
    });
    const told = await answer.json();
    saved.textContent = answer.ok ? `${told.label}: ${page.dataset.open}` : told.detail;
  });
})();
