// The page: what is chosen, and everything drawn anew when that changes.

let RUNS = [];
const state = { run: 0, view: "pair", one: "", other: "", metric: 0, axes: "log", range: 3, cell: null, chosen: false, sort: "n", down: false, page: 0 };
const current = () => RUNS[state.run];

function runName(i) {
  const run = RUNS[i];
  const options = Object.entries(run.options).map(([key, value]) => `, ${key} ${value}`).join("");
  return `${run.name}: ${run.problem}${options}, with respect to ${run.wrt}, ${run.created.slice(0, 10)}`;
}

// The pair that a run is about: forward against reverse of one library, or its first two engines.
function defaultPair(run) {
  const names = run.measured_names;
  const compared = run.pairs.find((pair) => pair.rules && pair.rules.length) || run.pairs.find((pair) => !pair.empty);
  return compared ? [compared.one, compared.other] : [names[0] || "", names[1] || names[0] || ""];
}

function settle(run) {
  const names = run.measured_names;
  if (!names.includes(state.one) || !names.includes(state.other) || state.one === state.other) [state.one, state.other] = defaultPair(run);
  if (!run.knows(METRICS[state.metric])) state.metric = 0;
  if (names.length < 2) state.view = "fastest";
  if (state.cell === null || !state.chosen) state.cell = nearestToCrossover(run);
}

function nearestToCrossover(run) {
  const gap = (cell) => {
    const doublings = Math.abs(run.advantage(state.one, state.other, METRICS[0], cell));
    return Number.isNaN(doublings) ? Infinity : doublings;
  };
  return [...run.n.keys()].reduce((best, cell) => (best === null || gap(cell) < gap(best) ? cell : best), null);
}

function fillControls(run) {
  fillSelect($("run"), RUNS.map((_, i) => [i, runName(i)]), state.run);
  const wrts = [...new Set(RUNS.map((each) => each.wrt))];
  fillSelect($("wrt"), wrts.map((wrt) => [wrt, wrt === "theta" ? "θ" : wrt === "both" ? "x and θ" : wrt]), run.wrt);
  const names = run.measured_names.map((name) => [name, name]);
  fillSelect($("one"), names, state.one);
  fillSelect($("other"), names, state.other);
  fillSelect($("metric"), METRICS.map((metric, i) => [i, metric.label]).filter(([i]) => run.knows(METRICS[i])), state.metric);
  const listed = state.view === "pair" ? [state.one, state.other] : run.measured_names;
  fillSelect($("best"), ["any", ...listed].map((name) => [name, name]), listed.includes($("best").value) ? $("best").value : "any");
  for (const key of ["view", "axes", "range"]) $(key).value = String(state[key]);
  $("view").disabled = run.measured.length < 2;
  $("other").parentElement.hidden = $("one").parentElement.hidden = state.view === "fastest";
  $("range").parentElement.hidden = state.view === "fastest";
}

function fillWords(run) {
  const pair = run.pair(state.one, state.other);
  const words = state.view === "fastest" ? run.winners.words : pair ? pair.found.words : [`No cell has times of both ${state.one} and ${state.other}.`];
  fillList($("words"), words);
  const metric = METRICS[state.metric];
  $("map-title").textContent = state.view === "fastest" ? `Which of all engines is the best? (${metric.label})` : `${state.one} or ${state.other}: which ${metric.better}?`;
  const machine = run.machine, versions = machine.versions || {};
  $("what").textContent = `${runName(state.run)}; ${run.dtype}; ${machine.cpu_model_name || "unknown processor"}; numpy ${versions.numpy || "?"}, jax ${versions.jax || "?"}; ${run.processes}`;
}

function fillCrossings(run) {
  const pair = state.view === "pair" ? run.pair(state.one, state.other) : null;
  $("crossover").hidden = !pair;
  if (!pair) return;
  const { law, crossover, counted, expected } = pair.found;
  $("law").textContent = law || "No law: fewer than two crossovers are in range.";
  const at = (list, n) => { const found = list.find(([size]) => size === n); return found ? digits(found[1]) : "none in range"; };
  const counts = [state.one, state.other].every((name) => run.column(name, "multiply_adds").some((v) => v > 0));
  const rows = run.grid.n.map((n) => {
    const c = crossover.find((each) => each.n === n);
    const ends = c && KNOWN(c.low) ? `${c.open.includes("low") ? "≤ " : ""}${digits(c.low)} … ${c.open.includes("high") ? "≥ " : ""}${digits(c.high)}` : "–";
    return [String(n), c ? digits(c.point) : "none in range", ends, counts ? at(counted, n) : "not known", ...(expected.length ? [at(expected, n)] : [])];
  });
  fillTable($("crossings"), ["n", "break-even m*", "95 % interval", "by operation counts", ...(expected.length ? ["by the cost model"] : [])], rows);
}

function fillRules(run) {
  const pair = run.pair(state.one, state.other);
  const rules = (state.view === "pair" && pair && pair.found.rules) || [];
  $("rules").hidden = !rules.length;
  const rows = rules.map((r) => [r.rule, r.forward_when, `${r.right} of ${r.decided}`, times(r.mean_slowdown), times(r.worst_slowdown), `n = ${r.worst_at[0]}, m = ${r.worst_at[1]}`, r.source]);
  fillTable($("scores"), ["rule", "forward when", "right in", "mean slow-down", "worst", "at", "from"], rows, [0, 1, 6]);
  for (const cell of $("scores").querySelectorAll("td:last-child")) cell.className = "text long";
}

const factText = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

function fillRest(run) {
  $("failed").hidden = !run.failures.length && !run.warnings.length;
  fillList($("failures"), [...run.failures, ...run.warnings]);
  $("spec").textContent = run.spec;
  const facts = Object.entries(run.machine).flatMap(([key, value]) =>
    typeof value === "object" && value ? Object.entries(value).map(([k, v]) => [`${key}: ${k}`, factText(v)]) : [[key, String(value)]]);
  fillTable($("machine"), ["fact", "value"], [...facts, ["measured", run.created]], [0, 1]);
  for (const cell of $("machine").querySelectorAll("td:last-child")) cell.className = "text long";
}

// A cell was chosen, by a click, a tap, a key or in the table.
function choose(cell) {
  state.chosen = true;
  state.cell = cell;
  present(cell);
}

function present(cell) {
  const run = current();
  fillDetail(run, state, cell);
  drawRaw(run, state, cell);
  fillValues(run, cell);
  drawCurves(run, state, cell);
  Plotly.relayout("map", { shapes: frame(run, state) });
  for (const row of $("cells").querySelectorAll("tbody tr")) row.classList.toggle("chosen", Number(row.dataset.cell) === cell);
}

function redraw() {
  const run = current();
  if (!run || !run.measured.length) {
    $("what").textContent = run ? runName(state.run) : "";
    $("state").textContent = "Nothing was measured yet.";
    return;
  }
  $("state").textContent = "";
  document.querySelector("main").hidden = false;
  settle(run);
  fillControls(run);
  fillWords(run);
  fillLegend(run, state);
  fillCrossings(run);
  fillRules(run);
  fillRest(run);
  fillCells(run, state, choose);
  drawMap(run, state);
  $("map").removeAllListeners("plotly_click");
  $("map").on("plotly_click", ({ points }) => { if (KNOWN(points[0].customdata)) choose(points[0].customdata); });
  present(state.cell);
}

function show(data) {
  const at = place_of(state.cell);
  RUNS = data.runs.map((raw) => new Run(raw));
  turnTo(Math.min(state.run, RUNS.length - 1), at);
  redraw();
}

// To a run, at the same sizes where it has them.
function turnTo(run, at) {
  const cell = at ? RUNS[run].cell(...at) : undefined;
  Object.assign(state, { run, cell: cell ?? null, chosen: state.chosen && cell !== undefined });
}
const place_of = (cell) => (cell === null || !current() ? null : [current().n[cell], current().m[cell]]);

function listen() {
  const chosen = (id, apply) => { $(id).onchange = () => { apply($(id).value); redraw(); }; };
  chosen("run", (value) => { state.page = 0; turnTo(Number(value), place_of(state.cell)); });
  chosen("wrt", (value) => { state.page = 0; turnTo(RUNS.findIndex((run) => run.wrt === value), place_of(state.cell)); });
  chosen("view", (value) => { state.view = value; });
  for (const [id, second] of [["one", "other"], ["other", "one"]]) {
    chosen(id, (value) => { if (state[second] === value) state[second] = state[id]; state[id] = value; });
  }
  for (const id of ["metric", "range"]) chosen(id, (value) => { state[id] = Number(value); });
  chosen("axes", (value) => { state.axes = value; });
  const list = () => fillCells(current(), state, choose);
  for (const id of ["n-low", "n-high", "m-low", "m-high", "best"]) $(id).oninput = () => { state.page = 0; list(); };
  for (const form of document.forms) form.onsubmit = (event) => event.preventDefault();
  $("before").onclick = () => { state.page--; list(); };
  $("after").onclick = () => { state.page++; list(); };
  $("theme").onclick = () => { setTheme(dark() ? "light" : "dark"); redraw(); };
  $("map").onkeydown = onKey;
  const theme = matchMedia("(prefers-color-scheme: dark)");
  theme.onchange = () => { setTheme(theme.matches ? "dark" : "light"); redraw(); };
  let before = "light";
  window.onbeforeprint = () => { before = document.documentElement.dataset.theme; setTheme("light"); redraw(); };
  window.onafterprint = () => { setTheme(before); redraw(); };
}

// Arrow keys go to the nearest cell in their direction: in the same column, or in the next one.
function onKey(event) {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
  if (!step) return;
  event.preventDefault();
  const { n, m } = current(), here = state.cell;
  const far = (sizes, cell) => Math.log(sizes[cell] / sizes[here]);
  const ahead = [...n.keys()].filter((cell) => (step[0] ? step[0] * far(n, cell) > 0 : n[cell] === n[here] && step[1] * far(m, cell) > 0));
  const order = (a, b) => Math.abs(far(n, a)) - Math.abs(far(n, b)) || Math.abs(far(m, a)) - Math.abs(far(m, b));
  if (ahead.length) choose(ahead.sort(order)[0]);
}

// A live report asks its own server every two seconds; what was chosen stays chosen.
function follow() {
  let tag = "";
  const ask = async () => {
    const answer = await fetch("data.json", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" }).catch(() => null);
    setTimeout(ask, 2000);
    if (!answer) { $("live").textContent = "the server has stopped; this is what it showed last"; return; }
    $("live").textContent = answer.ok || answer.status === 304 ? `live, ${new Date().toLocaleTimeString()}` : await answer.text();
    if (answer.status !== 200) return;
    tag = answer.headers.get("ETag") || "";
    show(await answer.json());
  };
  ask();
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
listen();
show(JSON.parse($("data").textContent));
if (document.documentElement.dataset.live === "true") follow();
