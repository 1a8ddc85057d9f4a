// A claim window while it runs: what is left, the picture of the rush, and one's own claim.
"use strict";

const live = document.getElementById("live");
const claim = document.getElementById("claim");
const LIVE_MS = 2000;

function yuan(fen) {
  const whole = Math.floor(fen / 100).toLocaleString("en-US");
  return `¥${whole}.${String(fen % 100).padStart(2, "0")}`;
}

async function refresh() {
  const answer = await fetch(live.dataset.live, { cache: "no-store" });
  if (!answer.ok) return;
  const now = await answer.json();
  for (const each of live.querySelectorAll("[data-yuan]")) each.textContent = yuan(now[each.dataset.yuan]);
  for (const each of live.querySelectorAll("[data-count]")) each.textContent = now[each.dataset.count];
  for (const each of live.querySelectorAll("[data-time]")) {
    each.textContent = new Date(now[each.dataset.time]).toLocaleTimeString("zh-CN", { timeZone: "Asia/Shanghai" });
  }
  const picture = document.getElementById("picture");
  if (live.dataset.redraw && picture) {
    const page = await (await fetch(location.href)).text();
    const fresh = new DOMParser().parseFromString(page, "text/html");
    picture.replaceWith(fresh.getElementById("picture"));
    live.querySelector("[data-text=phase]").textContent = fresh.querySelector("[data-text=phase]").textContent;
  }
}

function wait(seconds) {
  return new Promise((done) => setTimeout(done, seconds * 1000));
}

// One key for this enterprise and window in this browser: repeating it is always safe.
function key() {
  const name = `claim ${claim.dataset.claims}`;
  if (!sessionStorage.getItem(name)) {
    const random = crypto.getRandomValues(new Uint8Array(16));
    sessionStorage.setItem(name, Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  }
  return sessionStorage.getItem(name);
}

async function admitted() {
  const csrf = claim.querySelector("[name=csrfmiddlewaretoken]").value;
  return fetch(claim.dataset.admissions, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrf },
    body: "{}",
  });
}

async function send(button) {
  const status = claim.querySelector("[data-status]");
  button.disabled = true;
  status.textContent = claim.dataset.sent;
  try {
    const admission = await admitted();
    const given = await admission.json();
    if (!admission.ok) throw new Error(given.detail);
    for (let attempt = 0; ; attempt += 1) {
      const answer = await fetch(claim.dataset.claims, {
        method: "POST",
        headers: { Authorization: `Claim ${given.token}`, "Idempotency-Key": key() },
      }).catch(() => null);
      if (answer && answer.ok) return location.reload();
      const again = !answer || answer.status === 429 || answer.status === 503;
      if (!again || attempt >= 20) throw new Error(answer ? (await answer.json()).detail : "");
      status.textContent = claim.dataset.again;
      await wait(Number(answer?.headers.get("Retry-After")) || 1);
    }
  } catch (error) {
    status.textContent = error.message;
    button.disabled = false;
  }
}

if (live) setInterval(() => refresh().catch(() => {}), LIVE_MS);
const button = claim?.querySelector("[data-claim]");
button?.addEventListener("click", () => send(button));
