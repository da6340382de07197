// The table of all cells: sorted by a click on a head, filtered by sizes and by who is better, fifty rows at a time.

const PAGE = 50;

function tableColumns(run, state) {
  const metric = METRICS[state.metric];
  const time = metric.key === "time";
  const sizes = [{ head: "n", value: (c) => run.n[c], show: String }, { head: "m", value: (c) => run.m[c], show: String }];
  const better = [
    { head: "better", value: (c) => betterOf(run, state, c), show: String, text: true },
    { head: "by", value: (c) => byOf(run, state, c)[0], show: times },
    ...(time ? [{ head: "95 % interval", value: (c) => byOf(run, state, c)[1], show: (_, c) => interval(...byOf(run, state, c).slice(1), digits) }] : []),
  ];
  if (state.view === "fastest") {
    const next = { head: "than the next", value: (c) => (contenders(run, state, c) || ["", "not known"])[1], show: String, text: true };
    return [...sizes, ...better, next, ...run.measured_names.map((name) => costOf(run, name, metric))];
  }
  const costs = METRICS.filter((each) => each === metric || ["time", "multiply_adds", "peak_bytes"].includes(each.key));
  return [...sizes, ...better, ...costs.flatMap((each) => [state.one, state.other].map((name) => costOf(run, name, each)))];
}

const costOf = (run, name, metric) => ({ head: `${name}: ${metric.label}`, value: (c) => run.column(name, metric.key)[c], show: metric.show });

function betterOf(run, state, cell) {
  if (state.view === "fastest") return (contenders(run, state, cell) || ["not known"])[0];
  const doublings = run.advantage(state.one, state.other, METRICS[state.metric], cell);
  return !Number.isFinite(doublings) ? "not known" : doublings === 0 ? "equal" : doublings > 0 ? state.one : state.other;
}

// By how much the better one is better, with its interval where it is of time.
function byOf(run, state, cell) {
  const metric = METRICS[state.metric];
  if (state.view === "fastest") { const { ratio, low, high } = run.best(metric, cell); return [ratio, low, high]; }
  const first = betterOf(run, state, cell);
  const by = 2 ** Math.abs(run.advantage(state.one, state.other, metric, cell));
  if (metric.key !== "time") return [by, NaN, NaN];
  const [slow, fast] = first === state.one ? [state.other, state.one] : [state.one, state.other];
  const { low, high } = run.ratio(slow, fast, cell);
  return [by, low, high];
}

function chosenCells(run, state) {
  const bound = (id, otherwise) => ($(id).value === "" ? otherwise : Number($(id).value));
  const [n0, n1, m0, m1] = [bound("n-low", 0), bound("n-high", Infinity), bound("m-low", 0), bound("m-high", Infinity)];
  const best = $("best").value;
  return [...run.n.keys()].filter((c) => run.n[c] >= n0 && run.n[c] <= n1 && run.m[c] >= m0 && run.m[c] <= m1 && (best === "any" || betterOf(run, state, c) === best));
}

// What is not known comes last, up and down.
function sorted(cells, column, down) {
  const sign = down ? -1 : 1;
  return cells.sort((a, b) => {
    const [p, q] = [column.value(a), column.value(b)];
    if (typeof p === "string") return sign * p.localeCompare(q);
    return Number.isNaN(p) || Number.isNaN(q) ? Number.isNaN(p) - Number.isNaN(q) : sign * (p - q);
  });
}

function fillCells(run, state, choose) {
  const columns = tableColumns(run, state);
  if (!columns.some((column) => column.head === state.sort)) Object.assign(state, { sort: "n", down: false });
  const cells = sorted(chosenCells(run, state), columns.find((column) => column.head === state.sort), state.down);
  state.page = Math.max(0, Math.min(state.page, Math.ceil(cells.length / PAGE) - 1));
  const shown = cells.slice(state.page * PAGE, (state.page + 1) * PAGE);
  const heads = columns.map((column) => sortable(run, state, column, choose));
  const rows = shown.map((cell) => {
    const row = element("tr", { tabIndex: 0, className: cell === state.cell ? "chosen" : "" },
      ...columns.map((column) => element("td", { className: column.text ? "text" : "" }, column.show(column.value(cell), cell))));
    row.dataset.cell = cell;
    row.dataset.key = place(run, cell);
    row.onclick = () => choose(cell);
    row.onkeydown = (event) => { if (event.key === "Enter") choose(cell); };
    return row;
  });
  const focused = $("cells").contains(document.activeElement) ? document.activeElement.dataset.key : null;
  $("cells").replaceChildren(element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows));
  if (focused) [...$("cells").querySelectorAll("[data-key]")].find((each) => each.dataset.key === focused)?.focus();
  const first = state.page * PAGE;
  $("shown").textContent = cells.length ? `${first + 1} to ${first + shown.length} of ${cells.length} cells` : "no cell is like that";
  $("before").disabled = state.page === 0;
  $("after").disabled = first + PAGE >= cells.length;
}

function sortable(run, state, column, choose) {
  const here = state.sort === column.head;
  const button = element("button", { type: "button" }, `${column.head}${here ? (state.down ? " ↓" : " ↑") : ""}`);
  button.dataset.key = column.head;
  button.onclick = () => {
    Object.assign(state, { down: here && !state.down, sort: column.head, page: 0 });
    fillCells(run, state, choose);
  };
  const head = element("th", { className: column.text ? "text" : "" }, button);
  if (here) head.ariaSort = state.down ? "descending" : "ascending";
  return head;
}
