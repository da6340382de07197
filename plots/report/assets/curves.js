// Cost curves through the chosen cell: all engines along the outputs and along the inputs.

function drawCurves(run, state, cell) {
  drawCurve("along-m", run, state, cell, run.m, run.n, "outputs m", `n = ${run.n[cell]}`);
  drawCurve("along-n", run, state, cell, run.n, run.m, run.inputs, `m = ${run.m[cell]}`);
}

function drawCurve(id, run, state, cell, sizes, fixed, label, title) {
  const { axis, ...basics } = layoutBasics();
  const metric = METRICS[state.metric];
  const line = [...sizes.keys()].filter((i) => fixed[i] === fixed[cell]).sort((a, b) => sizes[a] - sizes[b]);
  const traces = run.measured_names.flatMap((name, k) => curve(run, name, SYMBOLS[k % SYMBOLS.length], metric, line, sizes));
  Plotly.react(id, traces, {
    ...basics, margin: { ...basics.margin, t: 30 }, title: { text: plain(title), x: 0.02, font: { size: 13 } }, hovermode: "x unified",
    xaxis: { ...axis, ...logTicks(line.map((i) => sizes[i]), String), title: { text: plain(label) } },
    yaxis: { ...axis, ...logTicks(traces.flatMap((trace) => trace.y), metric.show), title: { text: plain(metric.label) } },
    uirevision: `${state.run} ${title} ${metric.key}`, legend: BELOW, shapes: [{ type: "line", x0: sizes[cell], x1: sizes[cell], yref: "paper", y0: 0, y1: 1, line: { color: "#e69f00", width: 2, dash: "dot" } }],
  }, { ...CONFIG, displayModeBar: false });
}

function curve(run, name, symbol, metric, line, sizes) {
  const engine = run.engine(name), colour = readable(engine.colour);
  const values = run.column(name, metric.key);
  const known = line.filter((i) => values[i] > 0);
  const x = known.map((i) => sizes[i]);
  const mean = { type: "scatter", mode: "lines+markers", name: plain(name), legendgroup: name, x, y: known.map((i) => values[i]), marker: { symbol, size: 6 },
    line: { color: colour, dash: engine.dashed ? "dash" : "solid", width: 2 }, hovertemplate: `${plain(name)}: %{text}<extra></extra>`, text: known.map((i) => metric.show(values[i])) };
  if (metric.key !== "time") return [mean];
  const band = known.filter((i) => run.column(name, "low")[i] > 0);
  const ends = [...band.map((i) => run.column(name, "high")[i]), ...band.map((i) => run.column(name, "low")[i]).reverse()];
  return [{ type: "scatter", mode: "lines", x: [...band.map((i) => sizes[i]), ...band.map((i) => sizes[i]).reverse()], y: ends, fill: "toself",
    fillcolor: `${colour}33`, line: { width: 0 }, hoverinfo: "skip", showlegend: false, legendgroup: name }, mean];
}
