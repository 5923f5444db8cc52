// What pages do besides being read: copy buttons, the index's own address, and how fresh it is. Without it, everything is there to read.
"use strict";
(() => {
  const root = new URL(document.documentElement.dataset.root || "./", location.href);
  const said = document.getElementById("said");
  const known = "https://<address-of-this-index>/";
  const here = (text) => (root.protocol === "file:" ? text : text.replaceAll(known, root.href));

  for (const code of document.querySelectorAll("[data-url]")) code.textContent = here(code.textContent);

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(here(button.dataset.copy));
        button.textContent = "Copied";
        said.textContent = "Copied";
      } catch {
        button.textContent = "Not copied";
        said.textContent = "The browser does not let pages copy here";
      }
      setTimeout(() => { button.textContent = "Copy"; said.textContent = ""; }, 2000);
    });
  }

  // A link to a version opens its section.
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) target.open = true;
  };
  addEventListener("hashchange", open);
  open();

  const fetched = async (path) => {
    const answer = await fetch(new URL(path, root), { cache: "no-cache" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };
  const day = (time) => new Date(time).toISOString().slice(0, 16).replace("T", " ") + " UTC";
  const left = (time) => {
    const hours = (new Date(time) - Date.now()) / 3_600_000;
    if (hours < 0) return "expired";
    return hours < 48 ? `in ${Math.round(hours)} hours` : `in ${Math.round(hours / 24)} days`;
  };
  const size = (bytes) => (bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);

  const gauge = ({ size: value, limit: max }) => (max ? Object.assign(document.createElement("meter"), { max, high: max * 0.8, optimum: 0, value, ariaHidden: "true" }) : "");

  const rows = (status) => {
    const found = [["Published", `${day(status.published)}, from commit ${String(status.commit).slice(0, 12)}`]];
    if (status.hold) found.push(["Held", `at ${String(status.hold.commit).slice(0, 12)}: ${status.hold.reason}`]);
    for (const [role, time] of Object.entries(status.expires || {})) found.push([`Signature of ${role}`, `until ${day(time)} (${left(time)})`]);
    if (!status.expires || !Object.keys(status.expires).length) found.push(["Signatures", "this index is not signed"]);
    if (status.size) found.push(["Size", size(status.size) + (status.limit ? ` of ${size(status.limit)} that the host takes` : ""), gauge(status)]);
    if (status.file_limit) found.push(["One file", `at most ${size(status.file_limit)}`]);
    return found;
  };

  const fresh = document.querySelector("[data-fresh]");
  const list = document.querySelector("[data-status]");
  if ((fresh || list) && root.protocol !== "file:") {
    fetched("status.json").then((status) => {
      if (list) {
        list.replaceChildren(...rows(status).flatMap(([term, text, more = ""]) => {
          const dt = document.createElement("dt"), dd = document.createElement("dd");
          dt.textContent = term;
          dd.append(text, more);
          return [dt, dd];
        }));
      }
      if (fresh) {
        const times = Object.values(status.expires || {}).sort();
        const signed = times.length ? (new Date(times[0]) > Date.now() ? "signed" : "its signature has expired") : "not signed";
        fresh.textContent = `Published ${day(status.published)}; ${signed}.`;
        fresh.hidden = false;
      }
    }, () => undefined);
  }
})();
