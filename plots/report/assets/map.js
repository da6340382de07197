// The map of the plane: cells coloured by who is better, and the lines through them.

const NUMBERED = 400; // cells; more of them leave no room for numbers

// Where sizes are drawn, and the borders between them. The axes are plotly's linear ones also for logarithms: it writes
// a cell's number in the middle between the borders of such axes only.
function placing(sizes, axes) {
  const logs = sizes.map(Math.log10);
  const even = (v) => {
    const at = Math.log10(v);
    let i = 0;
    while (i < logs.length - 2 && at > logs[i + 1]) i++;
    return logs.length < 2 ? 0 : i + (at - logs[i]) / (logs[i + 1] - logs[i]);
  };
  const place = { log: Math.log10, even, linear: (v) => v }[axes];
  const p = sizes.map(place);
  const edges = p.length < 2 ? [p[0] - 0.5, p[0] + 0.5]
    : [1.5 * p[0] - 0.5 * p[1], ...p.slice(1).map((v, i) => (p[i] + v) / 2), 1.5 * p.at(-1) - 0.5 * p.at(-2)];
  const shown = sizes.filter((_, i) => i % Math.ceil(sizes.length / 10) === 0);
  return { place, edges, ticks: { tickvals: shown.map(place), ticktext: shown.map(String) } };
}

// What each cell shows: a number for its colour, a text, and who is better.
function judged(run, state, cell) {
  const metric = METRICS[state.metric];
  if (state.view === "pair") {
    const z = run.advantage(state.one, state.other, metric, cell);
    return { z, text: Number.isFinite(z) ? short(2 ** Math.abs(z)) : "" };
  }
  const { engine, next, ratio, sure } = run.best(metric, cell);
  if (engine < 0) return { z: NaN, text: "" };
  return { z: 2 * engine + (sure ? 0 : 1), text: sure ? `${run.engines[engine].mark} ${KNOWN(ratio) ? short(ratio) : ""}` : `${run.engines[engine].mark} ≈ ${run.engines[next].mark}` };
}
const short = (v) => (v >= 99.5 ? v.toFixed(0) : String(Number(v.toPrecision(2))));

function scaleOf(run, state) {
  if (state.view === "pair") {
    const [first, second] = pairColours(run, state.one, state.other);
    return { colorscale: [[0, second], [0.5, css("--equal")], [1, first]], zmin: -state.range, zmax: state.range };
  }
  const k = 2 * run.engines.length; // two steps for each: sure, and paler where the next cannot be told apart
  const steps = run.engines.flatMap((engine, i) => [true, false].flatMap((sure, j) =>
    [[(2 * i + j) / k, shaded(engine, sure)], [(2 * i + j + 1) / k, shaded(engine, sure)]]));
  return { colorscale: steps, zmin: -0.5, zmax: k - 0.5 };
}

function mapTraces(run, state) {
  const x = placing(run.grid.n, state.axes), y = placing(run.grid.m, state.axes);
  const rows = run.grid.m.map((m) => run.grid.n.map((n) => run.cell(n, m)));
  const told = (cell) => (cell === undefined ? { z: null, text: "" } : judged(run, state, cell));
  const cells = rows.map((row) => row.map(told));
  const numbered = run.grid.n.length * run.grid.m.length <= NUMBERED;
  const hover = (cell) => (cell === undefined ? "not measured" : tooltip(run, state, cell));
  const scale = scaleOf(run, state);
  const heat = {
    type: "heatmap", x: x.edges, y: y.edges, z: cells.map((row) => row.map(({ z }) => (Number.isFinite(z) ? z : null))),
    text: cells.map((row) => row.map(({ text }) => text)), texttemplate: numbered ? "%{text}" : "",
    hovertext: rows.map((row) => row.map(hover)), hoverinfo: "text", hoverongaps: true, customdata: rows,
    showscale: false, xgap: numbered ? 1 : 0, ygap: numbered ? 1 : 0, ...scale,
  };
  return [heat, ...refined(run, state, x, y, scale), ...(state.view === "pair" ? lines(run, state, x, y) : [])];
}

// Cells between the lines of the grid, where a sweep has refined the plane.
function refined(run, state, x, y, scale) {
  const grid = new Set(run.grid.m);
  const extra = [...run.n.keys()].filter((cell) => !grid.has(run.m[cell]));
  if (!extra.length) return [];
  return [{
    type: "scatter", mode: "markers", name: "refined", showlegend: false, customdata: extra,
    x: extra.map((cell) => x.place(run.n[cell])), y: extra.map((cell) => y.place(run.m[cell])),
    hovertext: extra.map((cell) => tooltip(run, state, cell)), hoverinfo: "text",
    marker: {
      symbol: "square", size: 9, line: { width: 1, color: css("--soft") }, color: extra.map((cell) => judged(run, state, cell).z),
      colorscale: scale.colorscale, cmin: scale.zmin, cmax: scale.zmax, showscale: false,
    },
  }];
}

const tooltip = (run, state, cell) => cellLines(run, state, cell).map(plain).join("<br>");

function lines(run, state, x, y) {
  const metric = METRICS[state.metric];
  const ink = css("--ink");
  const line = (name, points, dash, more = {}) => ({
    type: "scatter", mode: points.length > 1 ? "lines" : "markers", name, hoverinfo: "skip", line: { color: ink, width: 1.5, dash }, marker: { color: ink, symbol: "line-ew-open", size: 12 },
    x: points.map(([n]) => x.place(n)), y: points.map(([, m]) => y.place(m)), ...more,
  });
  const n = run.grid.n, m = run.grid.m;
  const [low, high] = [Math.max(n[0], m[0]), Math.min(n.at(-1), m.at(-1))];
  const diagonal = low < high ? [line("n = m", [low, Math.sqrt(low * high), high].map((v) => [v, v]), "dot", { line: { color: css("--soft"), width: 1, dash: "dot" } })] : [];
  if (metric.key !== "time") return diagonal;
  const drawn = [...diagonal];
  for (const [i, each] of RUNS.entries()) {
    const pair = each.pair(state.one, state.other);
    if (!pair) continue;
    if (i !== state.run) {
      if (each.wrt === run.wrt && pair.found.crossover.length) drawn.push(line(`crossover of ${plain(runName(i))}`, pair.found.crossover.map((c) => [c.n, c.point]), "longdash", { line: { color: css("--soft"), width: 1.5, dash: "longdash" } }));
      continue;
    }
    if (pair.found.counted.length) drawn.push(line("equal operation counts", pair.found.counted, "dash"));
    if (pair.found.expected.length) drawn.push(line("predicted by the cost model", pair.found.expected, "dashdot"));
    if (pair.found.crossover.length) drawn.push(measuredLine(pair.found.crossover, line, y));
  }
  return drawn;
}

function measuredLine(points, line, y) {
  const side = (key, sign) => points.map((c) => (KNOWN(c[key]) ? sign * (y.place(c[key]) - y.place(c.point)) : 0));
  return line("measured crossover, 95 % interval", points.map((c) => [c.n, c.point]), "solid", {
    mode: "lines+markers", line: { color: css("--ink"), width: 2.2 }, marker: { color: css("--ink"), symbol: "circle", size: 6 },
    error_y: { type: "data", symmetric: false, array: side("high", 1), arrayminus: side("low", -1), color: css("--ink"), thickness: 1.4, width: 4 },
  });
}

// A frame around the chosen cell.
function frame(run, state) {
  if (state.cell === null) return [];
  const x = placing(run.grid.n, state.axes), y = placing(run.grid.m, state.axes);
  const i = run.grid.n.indexOf(run.n[state.cell]), j = run.grid.m.indexOf(run.m[state.cell]);
  const line = { color: "#e69f00", width: 3 };
  if (i < 0) return [];
  if (j < 0) return [{ type: "rect", xsizemode: "pixel", ysizemode: "pixel", xanchor: x.place(run.n[state.cell]), yanchor: y.place(run.m[state.cell]), x0: -8, x1: 8, y0: -8, y1: 8, line }];
  return [{ type: "rect", x0: x.edges[i], x1: x.edges[i + 1], y0: y.edges[j], y1: y.edges[j + 1], line }];
}

function drawMap(run, state) {
  const { axis, ...basics } = layoutBasics();
  const x = placing(run.grid.n, state.axes), y = placing(run.grid.m, state.axes);
  const range = (p) => [p.edges[0], p.edges.at(-1)];
  return Plotly.react("map", mapTraces(run, state), {
    ...basics, plot_bgcolor: css("--unknown"), hovermode: "closest", shapes: frame(run, state), uirevision: `${state.run} ${state.axes}`,
    xaxis: { ...axis, ...x.ticks, title: { text: plain(run.inputs) }, range: range(x), showgrid: false },
    yaxis: { ...axis, ...y.ticks, title: { text: plain(run.outputs) }, range: range(y), showgrid: false },
    margin: { ...basics.margin, t: 34 }, legend: { ...BELOW, font: { size: 11 } },
  }, CONFIG);
}

function fillLegend(run, state) {
  const metric = METRICS[state.metric];
  if (state.view === "fastest") {
    const chips = run.engines.map((engine) => {
      const swatch = element("i");
      swatch.style.background = engine.shade;
      return element("span", { className: "chip" }, swatch, `${engine.mark}  ${engine.name}`);
    });
    $("legend").replaceChildren(...chips, element("span", {}, "The number: how many times better than the next; pale, ≈: the two cannot be told apart."));
    return;
  }
  const [first, second] = pairColours(run, state.one, state.other);
  const ramp = element("i");
  ramp.style.background = `linear-gradient(to right, ${second}, ${css("--equal")}, ${first})`;
  const by = 2 ** state.range;
  $("legend").replaceChildren(element("div", { className: "bar" }, ramp,
    element("span", {}, `${state.other} ${metric.better}, ${by} times and more`), element("span", {}, "equal"), element("span", {}, `${state.one} ${metric.better}, ${by} times and more`)));
}
