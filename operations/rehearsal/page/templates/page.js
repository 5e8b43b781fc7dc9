"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  const theme = document.getElementById("theme");
  theme.addEventListener("change", () => { document.documentElement.style.colorScheme = theme.value; });

  // Filters: what is shown is told to screen readers.
  const search = document.getElementById("search");
  const chapter = document.getElementById("chapter");
  const rules = all(".rule");
  const texts = new Map(rules.map((rule) => [rule, rule.textContent.toLowerCase()]));
  const filterRules = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const outcomes = new Set(all("[name=outcome]:checked").map((box) => box.value));
    let shown = 0;
    for (const rule of rules) {
      const { outcome, chapters } = rule.dataset;
      const fits = outcomes.has(outcome) && (!chapter.value || chapters.split(" ").includes(chapter.value))
        && words.every((word) => texts.get(rule).includes(word));
      rule.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    document.getElementById("shown").textContent = `${shown} of ${rules.length} rules`;
  };
  search.addEventListener("input", filterRules);
  chapter.addEventListener("change", filterRules);
  all("[name=outcome]").forEach((box) => box.addEventListener("change", filterRules));
  filterRules();

  const searchResources = document.getElementById("search-resources");
  const rows = all(".inventory tbody tr");
  const filterResources = () => {
    const words = searchResources.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = rows.filter((row) => !(row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word))));
    document.getElementById("resources-shown").textContent = `${shown.length} of ${rows.length} resources`;
  };
  searchResources.addEventListener("input", filterResources);
  filterResources();

  // Of the timeline's charts one is shown: one case, the long resources or all.
  const every = document.getElementById("every");
  const showChart = () => {
    const which = document.querySelector("[name=case]:checked").value;
    const shown = every.checked ? "every" : "long";
    for (const one of all("#timeline [data-case]")) {
      one.hidden = one.dataset.case !== which || (one.dataset.shown ?? shown) !== shown;
    }
  };
  all("[name=case]").forEach((radio) => radio.addEventListener("change", showChart));
  every.addEventListener("change", showChart);
  showChart();

  // Details of what is selected.
  const panel = document.getElementById("detail");
  const body = document.getElementById("detail-body");
  const diagram = document.querySelector(".diagram");
  let opener = null;

  const badge = (outcome) => element("span", { class: `badge ${data.outcomes[outcome].replace(" ", "-")}` },
    { fail: "violation", pass: "passes" }[data.outcomes[outcome]] || data.outcomes[outcome]);
  const controls = (results) => element("ul", { class: "controls" }, ...results
    .slice().sort((one, other) => one[1] - other[1])
    .map(([rule, outcome, message]) => {
      const [name, claim, requirements] = data.rules[rule];
      const item = element("li", { title: name }, badge(outcome), " ", element("span", { class: "numbers" }, requirements.join(", ")), ` ${claim}`);
      if (message) item.append(element("p", { class: `message ${data.outcomes[outcome].replace(" ", "-")}` }, message));
      return item;
    }));
  const settings = (pairs) => element("dl", {}, ...pairs.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]));
  const summary = (results) => {
    const worst = Math.min(...results.map((result) => result[1]));
    return Number.isFinite(worst) ? badge(worst) : "";
  };

  const open = (title, type, content, from) => {
    document.getElementById("detail-title").textContent = title;
    document.getElementById("detail-type").textContent = type;
    body.replaceChildren(...content);
    const place = from.getBoundingClientRect().top;
    panel.hidden = false;
    scrollBy({ top: from.getBoundingClientRect().top - place, behavior: "instant" }); // the page is narrower now
    panel.scrollTop = 0;
    opener = from;
    panel.focus();
  };
  const showResource = (index, from) => {
    const [name, type, pairs, results] = data.resources[index];
    const bar = from.querySelector("[aria-label]");
    open(name, type, [
      bar ? element("p", {}, bar.getAttribute("aria-label")) : "",
      element("h3", {}, `Controls (${results.length})`), results.length ? controls(results) : element("p", {}, "No rule is about it."),
      element("h3", {}, "Settings"), pairs.length ? settings(pairs) : element("p", {}, "None given."),
    ], from);
  };
  const folded = (index) => {
    const [name, type, pairs, results] = data.resources[index];
    const made = element("details", {}, element("summary", {}, element("code", {}, name), " ", summary(results), element("br"), element("small", { class: "type" }, type)));
    made.addEventListener("toggle", () => { if (made.open && made.children.length === 1) made.append(controls(results), settings(pairs)); });
    return made;
  };
  const scopes = { cardholder: "In the cardholder data environment.", connected: "Connected to the cardholder data environment.", other: "" };
  const showActor = (key, from) => {
    const [title, detail, scope, indices] = data.actors[key];
    const named = (other) => (data.actors[other] ? data.actors[other][0] : "anything in the VPC");
    const talks = data.paths.filter(([source, target]) => source === key || target === key).map(([source, target, ports, whole]) =>
      element("li", {}, source === key ? `may reach ${named(target)}: ${ports}` : `is reached by ${named(source)}: ${ports}`, whole ? "" : " (one end only)"));
    open(title, [detail, scopes[scope]].filter(Boolean).join(". "), [
      element("h3", {}, "Who may talk to it"), talks.length ? element("ul", {}, ...talks) : element("p", {}, "Nobody, by security groups."),
      element("h3", {}, `Resources (${indices.length})`), ...indices.map(folded),
    ], from);
    near(key);
  };
  const showService = (title, from) => {
    const indices = data.services[title];
    open(title, `${indices.length} resources in the Region or the account`, indices.map(folded), from);
  };
  const near = (key) => {
    diagram.classList.toggle("focused", Boolean(key));
    const ends = new Set([key]);
    for (const path of all(".path", diagram)) {
      const touches = key && path.dataset.ends.split(" ").includes(key);
      path.classList.toggle("near", touches);
      if (touches) path.dataset.ends.split(" ").forEach((end) => ends.add(end));
    }
    for (const actor of all(".actor", diagram)) {
      actor.classList.toggle("near", key && ends.has(actor.dataset.actor));
      actor.classList.toggle("selected", actor.dataset.actor === key);
    }
  };
  const close = () => {
    if (panel.hidden) return;
    panel.hidden = true;
    near("");
    if (opener) opener.focus();
  };

  const choose = (target) => {
    const thing = target.closest("[data-resource]");
    const bar = target.closest(".chart a");
    const actor = target.closest("[data-actor]");
    const service = target.closest("[data-service]");
    if (thing) showResource(Number(thing.dataset.resource), thing);
    else if (bar) showResource(Number(bar.href.baseVal.replace("#resource-", "")), bar);
    else if (actor) showActor(actor.dataset.actor, actor);
    else if (service) showService(service.dataset.service, service);
    else return false;
    return true;
  };
  document.addEventListener("click", (event) => {
    if (choose(event.target)) event.preventDefault();
    else if (!panel.contains(event.target)) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (["Enter", " "].includes(event.key) && event.target.closest(".diagram [tabindex]") && choose(event.target)) event.preventDefault();
    if (event.key === "/" && !/input|select|textarea/i.test(event.target.tagName)) { event.preventDefault(); search.focus(); }
  });
  document.getElementById("close").addEventListener("click", close);
  for (const actor of all(".diagram .actor")) {
    actor.addEventListener("mouseenter", () => { if (panel.hidden) near(actor.dataset.actor); });
    actor.addEventListener("mouseleave", () => { if (panel.hidden) near(""); });
    actor.addEventListener("focus", () => { if (panel.hidden) near(actor.dataset.actor); });
    actor.addEventListener("blur", () => { if (panel.hidden) near(""); });
  }

  // On paper nothing can be opened, so what matters is open and what was filtered away is back.
  addEventListener("beforeprint", () => {
    rules.forEach((rule) => { rule.hidden = rule.dataset.outcome === "not applicable"; });
    all("details.wide").forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", filterRules);
  document.documentElement.dataset.ready = Math.round(performance.now());
})();
