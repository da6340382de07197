// Numbers as people read them; elements whose text is text, whatever it holds.

const KNOWN = (v) => v !== null && v !== undefined && Number.isFinite(v);
const digits = (v) => (v >= 999.5 ? v.toFixed(0) : v.toPrecision(3)); // from there on toPrecision writes 1.00e+3

function scaled(v, units, step) {
  if (!KNOWN(v)) return "–";
  let i = 0;
  while (i < units.length - 1 && v >= step) { v /= step; i++; }
  return `${Number.isInteger(v) ? v : digits(v)} ${units[i]}`;
}
const seconds = (v) => (KNOWN(v) ? scaled(v * 1e9, ["ns", "µs", "ms", "s"], 1000) : "–");
const bytes = (v) => scaled(v, ["B", "kB", "MB", "GB"], 1000);
const GROUPED = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const count = (v) => (KNOWN(v) ? GROUPED.format(v) : "–");
const times = (v) => (KNOWN(v) ? `${digits(v)} ×` : "–");
const interval = (low, high, show) => (KNOWN(low) && KNOWN(high) ? `${show(low)} … ${show(high)}` : "–");

// For plotly, which reads some tags and all entities in its texts.
const brief = (text) => (String(text).length > 80 ? `${String(text).slice(0, 79)}…` : String(text));
const plain = (text) => brief(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

// Ticks of a logarithmic axis over these values: decades where there are many, and finer where there are few.
function logTicks(values, show) {
  const known = values.filter((v) => v > 0);
  const [low, high] = [known.reduce((a, b) => Math.min(a, b), Infinity), known.reduce((a, b) => Math.max(a, b), 0)];
  const within = (steps) => {
    const ticks = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) ticks.push(...steps.map((d) => Number((d * 10 ** e).toPrecision(4))));
    return ticks.filter((v) => v >= low * 0.99 && v <= high * 1.01);
  };
  const tenths = Array.from({ length: 90 }, (_, i) => 1 + i / 10);
  const hundredths = Array.from({ length: 900 }, (_, i) => 1 + i / 100);
  const fine = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], tenths, hundredths];
  const found = known.length ? fine.map(within).find((ticks) => ticks.length > 2) || [low] : [];
  const tickvals = found.filter((_, i) => i % Math.ceil(found.length / 7) === 0);
  return { type: "log", tickvals, ticktext: tickvals.map(show) };
}

const $ = (id) => document.getElementById(id);

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// `head`: texts; `rows`: lists of texts; those in `left` are not numbers.
function fillTable(table, head, rows, left = []) {
  const cell = (tag) => (text, i) => element(tag, { className: left.includes(i) ? "text" : "" }, text);
  table.replaceChildren(
    element("thead", {}, element("tr", {}, ...head.map(cell("th")))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell("td"))))),
  );
}

function fillList(list, texts) {
  list.replaceChildren(...texts.map((text) => element("li", {}, text)));
}

function fillSelect(select, options, chosen) {
  const now = [...select.options].map((option) => [option.value, option.text]);
  const wanted = options.map(([value, text]) => [String(value), text]);
  if (JSON.stringify(now) !== JSON.stringify(wanted)) { // one that is open stays open
    select.replaceChildren(...wanted.map(([value, text]) => element("option", { value }, text)));
  }
  select.value = String(chosen);
  select.disabled = options.length < 2;
}

// The better of a pair in a cell, in a sentence.
function sentence(run, one, other, metric, cell) {
  const doublings = run.advantage(one, other, metric, cell);
  if (!Number.isFinite(doublings)) return "not known for both";
  const [first, second] = doublings >= 0 ? [one, other] : [other, one];
  if (metric.key !== "time") {
    return doublings === 0 ? `${one} and ${other} are equal` : `${first} ${metric.better} than ${second}: ${times(2 ** Math.abs(doublings))}`;
  }
  const { point, low, high } = run.ratio(second, first, cell);
  const sure = KNOWN(low) ? ` (${interval(low, high, digits)})` : "";
  if (low <= 1) return `${one} and ${other} cannot be told apart: ${second} takes ${digits(point)} times as long as ${first}${sure}`;
  return `${first} is ${digits(point)} times faster than ${second}${sure}`;
}

const place = (run, cell) => `n = ${run.n[cell]}, m = ${run.m[cell]}`;

// The two engines that a cell is about: the chosen pair, or the best there and the next.
function contenders(run, state, cell) {
  if (state.view === "pair") return [state.one, state.other];
  const { engine, next } = run.best(METRICS[state.metric], cell);
  return engine < 0 ? null : [run.names[engine], run.names[next < 0 ? engine : next]];
}

function verdict(run, state, cell) {
  const pair = contenders(run, state, cell);
  if (!pair) return "not measured";
  return pair[0] === pair[1] ? `only ${pair[0]} was measured` : sentence(run, ...pair, METRICS[state.metric], cell);
}

// What a tooltip says of a cell: the pair's times and costs.
function cellLines(run, state, cell) {
  const each = (name) => {
    const value = (key) => run.column(name, key)[cell];
    const memory = KNOWN(value("allocated_bytes")) ? "allocated_bytes" : "program_bytes";
    return [
      `${name}: ${seconds(value("time"))} (${interval(value("low"), value("high"), seconds)})`,
      `   ${count(value("multiply_adds"))} multiply–adds, memory ${bytes(value("peak_bytes"))} counted, ${bytes(value(memory))} measured`,
    ];
  };
  const pair = contenders(run, state, cell) || [];
  return [place(run, cell), verdict(run, state, cell), ...[...new Set(pair)].flatMap(each)];
}
