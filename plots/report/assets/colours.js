// Colours of the page and of engines. Engines of one direction share one; their shades tell libraries apart.

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dark = () => document.documentElement.dataset.theme === "dark";
const SECOND = "#CC79A7"; // reddish purple of Okabe and Ito, for the second of two engines of one colour

function mixed(colour, other, share) {
  const parts = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const [a, b] = [parts(colour), parts(other)];
  return `#${a.map((v, i) => Math.round(v * (1 - share) + b[i] * share).toString(16).padStart(2, "0")).join("")}`;
}

const shaded = (engine, sure) => (sure ? engine.shade : mixed(engine.shade, css("--equal"), 0.55));
const readable = (colour) => (dark() ? mixed(colour, "#ffffff", 0.35) : colour);

function pairColours(run, one, other) {
  const [first, second] = [run.engine(one).colour, run.engine(other).colour];
  return [first, first === second ? SECOND : second];
}

function layoutBasics() {
  const axis = { gridcolor: css("--line"), linecolor: css("--line"), zeroline: false, automargin: true };
  return {
    paper_bgcolor: css("--ground"),
    plot_bgcolor: css("--ground"),
    font: { family: "system-ui, sans-serif", size: 12, color: css("--ink") },
    hoverlabel: { align: "left", bgcolor: css("--panel"), bordercolor: css("--line"), font: { color: css("--ink"), size: 12 } },
    margin: { l: 55, r: 12, t: 10, b: 45 },
    axis,
  };
}

// The buttons are named one by one: among plotly's own is one that uploads what it shows.
const CONFIG = {
  responsive: true, displaylogo: false, typesetMath: false, plotlyServerURL: "", showLink: false,
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
  toImageButtonOptions: { format: "svg", filename: "fwdrev" },
};

const BELOW = { orientation: "h", x: 0, yref: "container", y: 0, yanchor: "bottom" };

function setTheme(name) {
  document.documentElement.dataset.theme = name;
}
