// A version on trial: run a simulation and say how far it is; compute and raise differences. The
// API does all of it with the reader's own rights; afterwards the page is read again.
"use strict";
(() => {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const chinese = document.documentElement.lang.startsWith("zh");
  const form = document.getElementById("simulate");
  const told = document.getElementById("told");
  const bar = document.getElementById("progress");
  const value = (id) => document.getElementById(id).value;

  async function follow(answer) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value: piece } = await reader.read();
      if (done) throw new Error("cut off");
      text += piece;
      const lines = text.split("\n");
      text = lines.pop();
      for (const line of lines.filter(Boolean)) {
        const said = JSON.parse(line);
        if (said.percent === undefined) return said;
        bar.value = said.percent;
        told.textContent = `${form.dataset.running} … ${said.percent} %`;
      }
    }
  }

  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new FormData();
    body.append("policy_version", form.dataset.version);
    body.append("data_set", value("data-set"));
    const file = document.getElementById("file").files[0];
    if (file) body.append("file", file);
    for (const [name, id] of [["first_day", "first"], ["day_after_last", "after"]]) {
      if (value(id)) body.append(name, value(id));
    }
    form.querySelector("button").disabled = true;
    bar.hidden = false;
    bar.value = 0;
    told.textContent = `${form.dataset.running} …`;
    try {
      const answer = await fetch(`${form.dataset.runs}/live`, {
        method: "POST", headers: { "X-CSRFToken": token }, body,
      });
      if (!answer.ok) throw new Error((await answer.json()).detail);
      const said = await follow(answer);
      if (!said.problem) { location.reload(); return; }
      told.textContent = chinese ? said.problem.text_zh : said.problem.text_en;
    } catch (error) {
      told.textContent = error.message || form.dataset.failed;
    }
    bar.hidden = true;
    form.querySelector("button").disabled = false;
  });

  for (const button of document.querySelectorAll("[data-post]")) {
    button.addEventListener("click", async () => {
      button.disabled = true;
      const answer = await fetch(button.dataset.post, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: button.dataset.body,
      });
      if (answer.ok) { location.reload(); return; }
      button.after(` ${(await answer.json()).detail}`);
    });
  }
})();
