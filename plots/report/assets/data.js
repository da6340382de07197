// Runs as the payload has them, their packed columns as typed arrays.

const TYPES = { f4: Float32Array, f8: Float64Array, i4: Int32Array };

function unpack({ type, base64 }) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new TYPES[type](bytes.buffer);
}

function unpackAll(columns) {
  return Object.fromEntries(Object.entries(columns).map(([key, value]) => [key, value && value.base64 ? unpack(value) : value]));
}

// What two engines can be compared by; `time` alone has intervals, since it alone is measured in every round.
const METRICS = [
  { key: "time", label: "time of one Jacobian", better: "is faster", show: (v) => seconds(v) },
  { key: "prepare_seconds", label: "time to prepare", better: "is prepared faster", show: (v) => seconds(v) },
  { key: "multiply_adds", label: "multiply–adds", better: "needs fewer multiply–adds", show: (v) => count(v) },
  { key: "passes", label: "passes", better: "needs fewer passes", show: (v) => count(v) },
  { key: "bytes_moved", label: "bytes moved", better: "moves fewer bytes", show: (v) => bytes(v) },
  { key: "peak_bytes", label: "memory, as counted", better: "needs less memory", show: (v) => bytes(v) },
  { key: "allocated_bytes", label: "memory, as allocated", better: "allocates less", show: (v) => bytes(v) },
  { key: "program_bytes", label: "memory, as XLA states it", better: "needs less memory", show: (v) => bytes(v) },
];

class Run {
  constructor(raw) {
    Object.assign(this, raw);
    this.n = unpack(raw.cells.n);
    this.m = unpack(raw.cells.m);
    this.columns = raw.columns.map(unpackAll);
    this.values = unpackAll(raw.values);
    this.winners = unpackAll(raw.winners);
    this.pairs = raw.pairs.map(unpackAll);
    this.index = new Map(Array.from(this.n, (n, i) => [`${n},${this.m[i]}`, i]));
    this.names = raw.engines.map((engine) => engine.name);
  }

  get size() { return this.n.length; }
  get measured_names() { return this.measured.map((i) => this.names[i]); }
  engine(name) { return this.engines[this.names.indexOf(name)]; }
  column(name, key) { return this.columns[this.names.indexOf(name)][key]; }
  cell(n, m) { return this.index.get(`${n},${m}`); }

  // The pair as it was computed, and whether it has to be turned round.
  pair(one, other) {
    const found = this.pairs.find((p) => (p.one === one && p.other === other) || (p.one === other && p.other === one));
    return found && !found.empty ? { found, turned: found.one !== one } : null;
  }

  // Time of one ÷ time of the other in a cell, with its interval.
  ratio(one, other, cell) {
    const pair = this.pair(one, other);
    if (!pair) return { point: NaN, low: NaN, high: NaN };
    const { point, low, high } = pair.found;
    const turn = (v) => (pair.turned ? 1 / v : v);
    const ends = [turn(low[cell]), turn(high[cell])].sort((a, b) => a - b);
    return { point: turn(point[cell]), low: ends[0], high: ends[1] };
  }

  // By how many doublings the one is better than the other in a cell.
  advantage(one, other, metric, cell) {
    const ratio = metric.key === "time"
      ? this.ratio(one, other, cell).point
      : this.column(one, metric.key)[cell] / this.column(other, metric.key)[cell];
    const doublings = -Math.log2(ratio);
    return Number.isFinite(doublings) ? doublings : NaN;
  }

  // The best of all engines in a cell, the next, how much better it is, and whether the two can be told apart: by time
  // not where the interval holds 1, or where a single round gave none.
  best(metric, cell) {
    if (metric.key === "time") {
      const w = this.winners;
      return { engine: w.engine[cell], next: w.next[cell], ratio: w.point[cell], low: w.low[cell], high: w.high[cell], sure: w.next[cell] < 0 || w.low[cell] > 1 };
    }
    const ranked = this.measured
      .filter((i) => this.engines[i].direction !== "none")
      .map((i) => ({ i, value: this.columns[i][metric.key][cell] }))
      .filter(({ value }) => value > 0)
      .sort((a, b) => a.value - b.value);
    const [first, second] = ranked;
    return {
      engine: first ? first.i : -1,
      next: second ? second.i : -1,
      ratio: second ? second.value / first.value : NaN,
      low: NaN,
      high: NaN,
      sure: !second || second.value > first.value,
    };
  }

  knows(metric) { return this.measured.some((i) => this.columns[i][metric.key].some((v) => v > 0)); }

  // Seconds of every timed block of an engine in a cell: one list for each round.
  blocks(name, cell) {
    const { row, rounds, blocks, seconds } = this.values;
    const engine = this.measured_names.indexOf(name);
    if (engine < 0 || row[cell] < 0) return [];
    const start = (row[cell] * this.measured.length + engine) * rounds.length * blocks;
    return rounds.map((round, r) => ({
      round,
      values: Array.from(seconds.subarray(start + r * blocks, start + (r + 1) * blocks)).filter((v) => v > 0),
    }));
  }
}
