// One cell: what every engine takes there, and every value that was measured.

const HEAD = ["engine", "time", "95 % interval", "prepare", "multiply–adds", "passes", "moved", "memory counted", "allocated", "XLA"];

function fillDetail(run, state, cell) {
  const table = element("table");
  const rows = run.engines.map((engine, i) => {
    const v = (key) => run.columns[i][key][cell];
    return [engine.name, seconds(v("time")), interval(v("low"), v("high"), seconds), seconds(v("prepare_seconds")), count(v("multiply_adds")),
      count(v("passes")), bytes(v("bytes_moved")), bytes(v("peak_bytes")), bytes(v("allocated_bytes")), bytes(v("program_bytes"))];
  });
  fillTable(table, HEAD, rows, [0]);
  $("detail").replaceChildren(
    element("h2", {}, place(run, cell)),
    element("p", {}, `${verdict(run, state, cell)}.`),
    ...elsewhere(run, state, cell),
    element("div", { className: "scroll" }, table),
  );
}

// The same cell in the other runs of the report.
function elsewhere(run, state, cell) {
  return RUNS.flatMap((other, i) => {
    const there = i === state.run || other.wrt !== run.wrt || state.view !== "pair" || !other.pair(state.one, state.other) ? undefined : other.cell(run.n[cell], run.m[cell]);
    return there === undefined ? [] : [element("p", {}, `In ${runName(i)}: ${sentence(other, state.one, state.other, METRICS[state.metric], there)}.`)];
  });
}

const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "x", "star", "pentagon"];

function drawRaw(run, state, cell) {
  const { axis, ...basics } = layoutBasics();
  const engines = run.measured.length;
  const traces = run.measured_names.map((name, k) => {
    const engine = run.engine(name), points = { x: [], y: [] };
    for (const { round, values } of run.blocks(name, cell)) {
      // side by side in the round, each engine's blocks in their order
      values.forEach((value, i) => { points.x.push(round + 0.6 + (k + (i + 1) / (values.length + 1)) / engines * 0.8); points.y.push(value); });
    }
    const colour = readable(engine.colour);
    return { type: "scatter", mode: "markers", name: plain(name), ...points, text: points.y.map(seconds), hovertemplate: `${plain(name)}: %{text}<extra></extra>`,
      marker: { color: engine.dashed ? "rgba(0,0,0,0)" : colour, symbol: SYMBOLS[k % SYMBOLS.length], size: 6, line: { color: colour, width: 1.3 } } };
  });
  const what = run.values.whole ? "timed blocks" : "medians";
  const shown = run.values.rounds.map((round) => round + 1).filter((_, i, all) => i % Math.ceil(all.length / 10) === 0);
  return Plotly.react("raw", traces, {
    ...basics, xaxis: { ...axis, title: { text: `round (${what} of one process)` }, tickvals: shown, ticktext: shown.map(String) }, uirevision: `${state.run} ${place(run, cell)}`,
    yaxis: { ...axis, ...logTicks(traces.flatMap((trace) => trace.y), seconds) }, legend: BELOW,
  }, { ...CONFIG, displayModeBar: false });
}

function fillValues(run, cell) {
  const table = element("table");
  const rows = run.measured_names.flatMap((name) => run.blocks(name, cell).filter(({ values }) => values.length)
    .map(({ round, values }) => [name, String(round + 1), values.map(seconds).join("   ")]));
  const what = run.values.whole ? "every timed block, seconds per call" : "median over blocks (the journal of the run has every block)";
  fillTable(table, ["engine", "round", what], rows, [0, 2]);
  $("values").replaceChildren(table);
}
