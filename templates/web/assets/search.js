// Search over static files. The index of leaves tells which file has the words that begin as a query does; cards say the rest.
// It folds and takes apart queries as index_builder/render/web/words.py does, and ranks as client/search.py does: a test compares them.
"use strict";
(() => {
  const root = new URL(document.documentElement.dataset.root || "./", location.href);
  const MOST = 10, MOST_LEAVES = 3, MOST_CARD_LEAVES = 2, ALL = "nkos";
  const FIELDS = { name: "n", keyword: "k", owner: "o", summary: "s" };

  const files = new Map();
  const load = (path) => {
    if (!files.has(path)) {
      const asked = fetch(new URL(path, root)).then((answer) => {
        if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
        return answer.json();
      });
      asked.catch(() => files.delete(path));
      files.set(path, asked);
    }
    return files.get(path);
  };
  const called = (prefix) => (prefix ? [...prefix].map((c) => (/[a-z0-9-]/.test(c) ? c : `_${c.codePointAt(0).toString(16)}_`)).join("") : "_") + ".json";
  const index = () => load("search/index.json");

  const fold = (text) => text.normalize("NFKC").toLowerCase();
  const normalize = (text) => text.replace(/[-_.]+/g, "-").replace(/^-+|-+$/g, "");
  const termsOf = (query) => query.split(/\s+/u).filter(Boolean).flatMap((part) => {
    const colon = part.indexOf(":");
    const field = colon > 0 ? FIELDS[part.slice(0, colon).toLowerCase()] : undefined;
    const text = fold(field ? part.slice(colon + 1) : part);
    if ((!field || field === "n") && /^[a-z0-9][a-z0-9._-]*$/.test(text)) return [{ text: normalize(text), fields: field || ALL }];
    if (field === "o") return [{ text, fields: field }];
    return (text.match(/[\p{L}\p{N}]+/gu) || []).map((word) => ({ text: word, fields: field || ALL }));
  }).filter((term) => term.text);

  // The leaves that may have keys which begin with a text: the nearest one above it, then all below it.
  const leavesFor = (prefixes, start) => {
    const above = prefixes.filter((prefix) => start.startsWith(prefix)).sort((a, b) => b.length - a.length)[0];
    const below = prefixes.filter((prefix) => prefix.startsWith(start) && prefix !== above);
    return above === undefined ? below : [above, ...below];
  };
  const linesOf = async (folder, prefixes, start, most) => {
    const leaves = leavesFor(prefixes, start).slice(0, most);
    const found = await Promise.all(leaves.map((prefix) => load(`search/${folder}/${called(prefix)}`)));
    return found.flat().filter(([key]) => key.startsWith(start));
  };
  const cardOf = async (cards, name) => {
    const key = `${name} `;
    const lines = await linesOf("cards", cards, key, 1);
    return lines.find((line) => line[0] === key);
  };

  const RANKS = { n: 3, k: 4, o: 5, s: 6 };
  const score = (word, letters, term) => {
    const field = [...letters].find((letter) => term.fields.includes(letter));
    return field ? RANKS[field] + (word === term.text ? 0 : 4) : undefined;
  };

  // The projects that are called so, which is best, or whose names begin so.
  const calledSo = async (cards, text, times) => {
    const leaves = new Set([...leavesFor(cards, `${text} `).slice(0, 1), ...leavesFor(cards, text).slice(0, MOST_CARD_LEAVES * times)]);
    const found = await Promise.all([...leaves].map((prefix) => load(`search/cards/${called(prefix)}`)));
    const names = found.flat().map(([key]) => key.slice(0, -1)).filter((name) => name.startsWith(text));
    return new Map(names.map((name) => [name, name === text ? 0 : 1]));
  };

  const near = (one, other) => {  // Damerau-Levenshtein, restricted, up to 2
    if (Math.abs(one.length - other.length) > 2) return 3;
    const rows = [Array.from({ length: other.length + 1 }, (_, j) => j)];
    for (let i = 1; i <= one.length; i++) {
      const row = [i];
      for (let j = 1; j <= other.length; j++) {
        const same = one[i - 1] === other[j - 1] ? 0 : 1;
        row[j] = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + same);
        if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
      }
      rows.push(row);
    }
    return rows[one.length][other.length];
  };

  const has = (card, term) => {
    const [, name, , , summary, owners, , , , , keywords] = card;
    const texts = { n: [normalize(name.toLowerCase())], s: [summary], o: owners, k: keywords };
    return [...term.fields].some((field) => texts[field].some((text) => fold(text).includes(term.text)));
  };

  // Which of the words is rarest is told by the number of their leaves: that one is looked up, the others are looked for in the cards.
  const rarest = (words, terms) => {
    const weight = (term) => leavesFor(words, term.text).length * 1000 - term.text.length;
    return [...terms].sort((a, b) => weight(a) - weight(b))[0];
  };

  const exact = async (found, terms, most) => {
    const prefixes = found.words, times = Math.ceil(most / MOST);
    const first = rarest(found.words, terms);
    const others = terms.filter((term) => term !== first);
    const [best, lines] = await Promise.all([
      first.fields.includes("n") ? calledSo(found.cards, first.text, times) : new Map(), linesOf("words", prefixes, first.text, MOST_LEAVES * times),
    ]);
    if (others.length || best.size < most) {
      for (const [key, letters] of lines) {
        const [word, name] = key.split(" ");
        const value = score(word, letters, first);
        if (value !== undefined && !(best.get(name) <= value)) best.set(name, value);
      }
    }
    const names = [...best].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
    const hits = [];
    for (let at = 0; at < names.length && hits.length < most && at < (others.length ? 400 * times : most); at += MOST) {
      const cards = await Promise.all(names.slice(at, at + MOST).map((name) => cardOf(found.cards, name)));
      hits.push(...cards.filter((card) => card && others.every((term) => has(card, term))));
    }
    return hits.slice(0, most);
  };

  const fuzzy = async (found, term) => {
    const prefixes = found.words;
    const text = term.text;
    const most = text.length > 5 ? 2 : 1;
    const starts = new Set([text.slice(0, 2), text[1] + text[0], text.slice(1, 3), text[0] + (text[2] || "")]);
    const lines = (await Promise.all([...starts].map((start) => linesOf("words", prefixes, start, 2)))).flat();
    const best = new Map();
    for (const [key, letters] of lines) {
      const [word, name] = key.split(" ");
      if (!letters.includes("n") || !term.fields.includes("n")) continue;
      const distance = Math.min(near(word, text), near(name, text));
      if (distance <= most && !(best.get(name) <= distance)) best.set(name, distance);
    }
    const names = [...best].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1)).slice(0, MOST).map(([name]) => name);
    return (await Promise.all(names.map((name) => cardOf(found.cards, name)))).filter(Boolean);
  };

  const search = async (query, most = MOST) => {
    const terms = termsOf(query);
    if (!terms.length) return { hits: [], close: false };
    const found = await index();
    const hits = await exact(found, terms, most);
    if (hits.length || terms.length > 1 || terms[0].text.length < 3) return { hits, close: false };
    return { hits: await fuzzy(found, terms[0]), close: true };
  };

  const made = (name, text, more = {}) => {
    const node = Object.assign(document.createElement(name), more);
    if (text) node.textContent = text;
    return node;
  };
  const item = (card, number) => {
    const [key, name, version, , summary, owners, state] = card;
    const link = made("a", "", { href: new URL(`project/${encodeURIComponent(key.trim())}/index.html`, root).href });
    link.append(made("b", name), " ", made("span", version, { className: "version" }));
    link.append(made("span", [summary, state === "active" ? "" : state, owners.join(", ")].filter(Boolean).join(" · ")));
    const entry = made("li");
    if (number >= 0) {
      entry.role = "none";
      Object.assign(link, { id: `hit-${number}`, role: "option", ariaSelected: "false", tabIndex: -1 });
    }
    entry.append(link);
    return entry;
  };
  const nothing = (query) => made("p", `No project is found by ${query}`, { className: "none" });
  const failed = () => made("p", root.protocol === "file:" ? "Search needs the pages to be served: index-builder serve" : "The search cannot be loaded now", { className: "none" });

  const input = document.getElementById("q");
  const box = document.querySelector(".found");
  if (!input || !box) return;
  const said = document.getElementById("said");
  const listed = made("ul", "", { className: "hits", id: "hits", role: "listbox", ariaLabel: "Projects found" });
  Object.assign(input, { role: "combobox", ariaExpanded: "false", ariaAutoComplete: "list", ariaHasPopup: "listbox" });
  input.setAttribute("aria-controls", "hits");
  box.append(listed);
  let chosen = -1, asked = 0, shown = "";

  const close = () => { box.hidden = true; chosen = -1; input.ariaExpanded = "false"; input.removeAttribute("aria-activedescendant"); };
  const choose = (number) => {
    const entries = [...listed.querySelectorAll("[role=option]")];
    if (!entries.length) return;
    chosen = (number + entries.length) % entries.length;
    entries.forEach((entry, at) => { entry.ariaSelected = String(at === chosen); });
    entries[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", entries[chosen].id);
  };
  const show = async () => {
    const query = input.value.trim(), number = ++asked;
    if (!query) return close();
    let result = null;
    try { result = await search(query); } catch { /* told below */ }
    if (number !== asked) return undefined;
    chosen = -1;
    shown = query;
    input.removeAttribute("aria-activedescendant");
    for (const old of box.querySelectorAll("p")) old.remove();
    listed.replaceChildren(...(result ? result.hits.map(item) : []));
    listed.hidden = !(result && result.hits.length);
    if (!result) box.append(failed());
    else if (!result.hits.length) box.append(nothing(query));
    else if (result.close) box.prepend(made("p", "Nothing is called that. Near it:", { className: "none" }));
    box.hidden = false;
    input.ariaExpanded = String(!listed.hidden);
    box.dataset.query = query;
    said.textContent = result ? `${result.hits.length} found` : "";
    return undefined;
  };

  input.addEventListener("focus", () => { index().catch(() => undefined); }, { once: true });
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (box.hidden) show(); else choose(chosen + (event.key === "ArrowDown" ? 1 : chosen < 0 ? 0 : -1));
    } else if (event.key === "Escape") {
      close();
    } else if (event.key === "Enter" && chosen >= 0 && !box.hidden) {
      event.preventDefault();
      listed.querySelectorAll("[role=option]")[chosen].click();
    } else if (event.key === "Enter" && shown !== input.value.trim()) {
      close();
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); input.focus(); input.select(); }
  });
  document.addEventListener("click", (event) => { if (!event.target.closest(".find")) close(); });

  const results = document.querySelector("[data-results]");
  const given = new URLSearchParams(location.search).get("q");
  if (results && given) {
    input.value = given;
    const list = made("ol", "", { className: "hits" }), more = made("button", "More", { className: "more", type: "button" });
    // One more than is shown is asked for: it tells whether there are more. Who asked for more goes on at the first of them.
    const showing = async (most) => {
      const { hits, close: isClose } = await search(given, most + 1);
      const before = list.children.length, shown = hits.slice(0, most);
      list.append(...shown.slice(before).map((card) => item(card, -1)));
      more.hidden = hits.length <= most;
      if (!before) results.replaceChildren(...(shown.length ? [made("p", isClose ? `Nothing is called ${given}. Near it:` : `Found by ${given}:`), list, more] : [nothing(given)]));
      else list.children[before]?.querySelector("a").focus();
      said.textContent = `${shown.length} shown`;
    };
    const failing = () => results.replaceChildren(failed());
    more.addEventListener("click", () => { showing(list.children.length + 2 * MOST).catch(failing); });
    showing(2 * MOST).catch(failing);
  }
})();
