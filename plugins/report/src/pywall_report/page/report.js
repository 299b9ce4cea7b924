"use strict";
const figures = JSON.parse(document.getElementById("charts").textContent);
for (const [place, text] of Object.entries(figures)) {
  const figure = JSON.parse(text);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  figure.layout.font = { ...figure.layout.font, color: dark ? "#ddd" : "#222" };
  Plotly.newPlot(place, figure.data, figure.layout, { responsive: true, displaylogo: false, displayModeBar: false });
}

const HEIGHT = 26;
const COLUMNS = [
  ["time", "t", (f) => new Date(f.t * 1000).toISOString().slice(11, 23)],
  ["flow", "s", (f) => `${end(f.s, f.sp)} → ${end(f.c, f.cp)}`],
  ["proto", "p", (f) => f.p],
  ["protocol", "a", (f) => f.a],
  ["packets", "n", (f) => f.n],
  ["bytes", "b", (f) => f.b],
  ["verdict", "v", (f) => f.v],
  ["rule", "r", (f) => f.r],
];
const table = document.getElementById("table"), body = document.getElementById("body");
const head = document.getElementById("head"), found = document.getElementById("found");
let flows = [], shown = [], sorted = ["t", 1], chosen = -1;

function end(address, port) {
  if (port === null || port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

async function unpack() {
  const bytes = Uint8Array.from(atob(document.getElementById("data").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  flows = JSON.parse(await new Response(stream).text());
  shown = flows.map((_, n) => n);
  draw();
  document.body.dataset.ready = "yes";
}

function text(flow) {
  if (flow.text === undefined) {
    const { steps, ...facts } = flow.x;
    flow.text = `${flow.s} ${flow.c} ${flow.cp} ${flow.p} ${flow.a} ${flow.v} ${flow.r} ${flow.w} ${JSON.stringify(facts)}`.toLowerCase();
  }
  return flow.text;
}

function choose() {
  const words = document.getElementById("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  shown = [];
  flows.forEach((flow, n) => { if (words.every((word) => text(flow).includes(word))) shown.push(n); });
  const [key, way] = sorted;
  shown.sort((one, other) => {
    const a = flows[one][key], b = flows[other][key];
    return way * (a < b ? -1 : a > b ? 1 : one - other);
  });
  table.scrollTop = 0;
  draw();
}

function draw() {
  body.style.height = `${shown.length * HEIGHT}px`;
  found.textContent = `${shown.length.toLocaleString("en")} of ${flows.length.toLocaleString("en")} flows`;
  const first = Math.max(0, Math.floor(table.scrollTop / HEIGHT) - 5);
  const last = Math.min(shown.length, first + Math.ceil(table.clientHeight / HEIGHT) + 10);
  body.replaceChildren();
  for (let at = first; at < last; at++) {
    const flow = flows[shown[at]];
    const row = document.createElement("div");
    row.className = shown[at] === chosen ? "row chosen" : "row";
    row.style.top = `${head.offsetHeight + at * HEIGHT}px`;
    row.setAttribute("role", "row");
    for (const [name, , cell] of COLUMNS) {
      const span = document.createElement("span");
      span.textContent = cell(flow);
      if (name === "verdict") span.className = flow.v;
      row.append(span);
    }
    row.addEventListener("click", () => tell(shown[at]));
    body.append(row);
  }
}

function step(entry) {
  const lines = [`packet ${entry.pcap_cnt}  ${entry.direction}  ${entry.hook}  ${entry.payload} bytes`];
  for (const asked of entry.asked) {
    if (asked.answer !== "NO" && asked.answer !== "MORE") {
      lines.push(`  ${asked.name}: ${asked.answer} at byte ${asked.client_bytes} of the client, ${asked.server_bytes} of the server`);
    }
  }
  for (const [name, value] of Object.entries(entry.learnt)) lines.push(`  known: ${name} = ${typeof value === "object" ? JSON.stringify(value) : value}`);
  for (const walked of entry.walk) lines.push(`  ${walked.answer.padEnd(7)} ${walked.rule} ${walked.action} (${walked.where})`);
  lines.push(`  => ${entry.verdict.toUpperCase()} ${entry.rule} (${entry.where}): ${entry.reason}${entry.final ? ", final" : ""}`);
  if (entry.same_verdict_for) lines.push(`  ${entry.same_verdict_for} more packets: the same`);
  return lines.join("\n");
}

function tell(number) {
  chosen = number;
  const flow = flows[number], story = document.getElementById("story");
  const { steps, ...facts } = flow.x;
  const title = document.createElement("h3"), words = document.createElement("p"), details = document.createElement("pre");
  title.textContent = `${end(flow.s, flow.sp)} → ${end(flow.c, flow.cp)}, ${flow.p}, ${flow.a}`;
  words.textContent = `${flow.v} by ${flow.r}: ${flow.w}. ${flow.n} packets, ${flow.b} bytes in ${flow.d} s${flow.f ? `, ${flow.f}` : ""}, flow ${flow.i}.`;
  details.textContent = [JSON.stringify(facts, null, 2), ...(steps || []).map(step)].join("\n\n");
  story.replaceChildren(title, words, details);
  story.hidden = false;
  draw();
  story.scrollIntoView({ behavior: "smooth", block: "nearest" });
}

for (const [name, key] of COLUMNS) {
  const button = document.createElement("button");
  button.textContent = name;
  button.addEventListener("click", () => { sorted = [key, sorted[0] === key ? -sorted[1] : 1]; choose(); });
  head.append(button);
}
table.addEventListener("scroll", () => requestAnimationFrame(draw));
let timer;
document.getElementById("search").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(choose, 120); });
for (const link of document.querySelectorAll("[data-flow]")) link.addEventListener("click", () => tell(Number(link.dataset.flow)));
unpack();
