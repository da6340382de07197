// The page: what is chosen, and everything drawn anew when that changes.

let RUNS = [];
const state = { run: 0, view: "pair", one: "", other: "", metric: 0, axes: "log", range: 3, cell: null, sort: 0, down: false, page: 0 };
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
  if (state.cell === null || state.cell >= run.size) state.cell = nearestToCrossover(run);
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

function fillRest(run) {
  $("failed").hidden = !run.failures.length && !run.warnings.length;
  fillList($("failures"), [...run.failures, ...run.warnings]);
  $("spec").textContent = run.spec;
  const facts = Object.entries(run.machine).flatMap(([key, value]) =>
    typeof value === "object" && value ? Object.entries(value).map(([k, v]) => [`${key}: ${k}`, String(v)]) : [[key, String(value)]]);
  fillTable($("machine"), ["fact", "value"], [...facts, ["measured", run.created]], [0, 1]);
  for (const cell of $("machine").querySelectorAll("td:last-child")) cell.className = "text long";
}

// A cell was chosen, by a click, a tap, a key or in the table.
function choose(cell) {
  state.cell = cell;
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
  choose(state.cell);
}

function show(data) {
  RUNS = data.runs.map((raw) => new Run(raw));
  state.run = Math.min(state.run, RUNS.length - 1);
  redraw();
}

function listen() {
  const chosen = (id, apply) => { $(id).onchange = () => { apply($(id).value); redraw(); }; };
  chosen("run", (value) => { Object.assign(state, { run: Number(value), cell: null, page: 0 }); });
  chosen("wrt", (value) => { Object.assign(state, { run: RUNS.findIndex((run) => run.wrt === value), cell: null, page: 0 }); });
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
  window.onbeforeprint = () => { setTheme("light"); redraw(); };
}

// Arrow keys go to the next cell of the grid that was measured.
function onKey(event) {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
  if (!step) return;
  event.preventDefault();
  const run = current(), { n, m } = run.grid;
  let [i, j] = [n.indexOf(run.n[state.cell]), m.indexOf(run.m[state.cell])];
  if (j < 0) j = m.findIndex((size) => size > run.m[state.cell]) - (step[1] > 0 ? 1 : 0); // between two rows of the grid
  for (let k = 0; k < n.length + m.length; k++) {
    [i, j] = [i + step[0], j + step[1]];
    if (i < 0 || j < 0 || i >= n.length || j >= m.length) return;
    const cell = run.cell(n[i], m[j]);
    if (cell !== undefined) { choose(cell); return; }
  }
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
    const cell = place_of(state.cell);
    show(await answer.json());
    restore(cell);
  };
  ask();
}
const place_of = (cell) => (cell === null || !current() ? null : [current().n[cell], current().m[cell]]);
function restore(at) {
  const cell = at && current() ? current().cell(...at) : undefined;
  if (cell !== undefined && current().measured.length) choose(cell);
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
listen();
show(JSON.parse($("data").textContent));
if (document.documentElement.dataset.live === "true") follow();
