"use strict";
// Draws the last ten minutes: the service's own history at once, then each new sample. A hidden page asks for nothing, so
// that the service can sleep.

const span = 600, width = 1000, height = 300;
const element = (id) => document.getElementById(id);
let info = null;
let rows = []; // {end, seconds, watts, asleep}, oldest first
let timer = 0;
let turn = 0; // counts starts: what an earlier one still waits for is dropped

async function get(name) {
  const response = await fetch(name + ".json", {cache: "no-store"});
  const body = await response.json();
  if (body.error) throw new Error(body.error.message);
  return body[name];
}

const fixed = (number, places = 1) => number.toFixed(places);
const watts = (value) => value === null ? "not readable" : fixed(value) + " W";
const joules = (part) => (part.lower_bound ? "at least " : "") + Math.round(part.joules).toLocaleString("en") + " J";

// Where the clock was set back, what came later has the place of what was before.
function inOrder(rows) {
  let begin = Infinity;
  return [...rows].reverse().filter((row) => {
    const isBefore = row.end <= begin + row.seconds / 4;
    if (isBefore) begin = row.end - row.seconds;
    return isBefore;
  }).reverse();
}

async function start() {
  const mine = ++turn;
  clearTimeout(timer);
  if (document.hidden) return;
  let wait = 2;
  try {
    info = await get("info");
    const history = await get("history");
    const place = (name) => history.columns.indexOf(name);
    const [end, seconds, mean, asleep] = ["timestamp", "seconds", "watts", "asleep"].map(place);
    rows = inOrder(
      history.rows.map((row) => ({end: row[end], seconds: row[seconds], watts: row[mean], asleep: row[asleep]})));
    wait = 0;
  } catch (error) {
    fail(error);
  }
  if (mine === turn) timer = setTimeout(wait ? start : () => follow(mine), wait * 1000);
}

async function follow(mine) {
  let wait;
  try {
    const sample = await get("sample");
    if (mine !== turn) return;
    const last = rows.at(-1), isNew = !last || sample.timestamp !== last.end;
    // Something was missed meanwhile: the history has it.
    if (last && sample.timestamp - sample.window_seconds > last.end + info.interval_seconds) return start();
    if (isNew && sample.status !== "stale") {
      const row = {end: sample.timestamp, seconds: sample.window_seconds, watts: sample.watts, asleep: false};
      rows = inOrder([...rows, row]);
    }
    show(sample);
    wait = info.interval_seconds * (isNew ? 0.9 : 0.2);
  } catch (error) {
    if (mine !== turn) return;
    fail(error);
    timer = setTimeout(start, 2000);
    return;
  }
  timer = setTimeout(() => follow(mine), Math.max(wait, 0.1) * 1000);
}

function fail(error) {
  document.body.className = "doubtful";
  element("watts").textContent = "– W";
  element("parts").replaceChildren();
  element("status").textContent = error instanceof TypeError ? "The exporter does not answer." : error.message;
}

function show(sample) {
  const stale = sample.status === "stale", simulated = info.simulated || sample.status === "simulated";
  document.body.className = stale ? "doubtful" : simulated ? "simulated" : "";
  element("watts").textContent = watts(sample.watts);
  element("status").textContent =
    stale ? `Not fresh: measured at ${new Date(sample.timestamp * 1000).toLocaleTimeString()}. ${sample.reason ?? ""}`
    : simulated ? "Simulated: these watts are invented."
    : `Mean of the last ${fixed(sample.window_seconds, 2)} s`;
  element("service").textContent =
    [info.description, info.cpu, `pkg-watt-stat ${info.version}`].filter(Boolean).join(" · ");
  draw(sample.timestamp);
  list(sample.packages, stale);
}

// A scale that ends at 1, 2 or 5 times a power of ten, or half-way.
function ceiling(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
  return [1, 1.5, 2, 3, 4, 5, 7.5, 10].map((step) => step * power).find((step) => step >= most);
}

function draw(now) {
  rows = rows.filter((row) => row.end > now - span);
  const measured = rows.map((row) => row.watts), top = ceiling(Math.max(...measured, 1) * 1.05);
  const x = (time) => ((time - now + span) / span * width).toFixed(2);
  const y = (value) => (height - value / top * height).toFixed(2);
  let line = "", asleep = "", area = "", first = null, end = -Infinity, wasAsleep = true;
  const close = () => { if (first !== null) area += `L${x(end)} ${height}L${first} ${height}Z`; };
  for (const row of rows) {
    // A mean over a while is a level stretch; where nothing was measured there is a gap.
    const begin = Math.max(row.end - row.seconds, now - span);
    const step = `${x(begin)} ${y(row.watts)}L${x(row.end)} ${y(row.watts)}`;
    const isGap = begin - end > 0.1;
    if (isGap) {
      close();
      first = x(begin);
    }
    area += (isGap ? "M" : "L") + step;
    // While the service slept there is only one mean for each of its wakeups.
    if (row.asleep) asleep += "M" + step;
    else line += (isGap || wasAsleep ? "M" : "L") + step;
    wasAsleep = row.asleep;
    end = row.end;
  }
  close();
  const levels = [0.25, 0.5, 0.75, 1].map((part) => part * top);
  element("line").setAttribute("d", line);
  element("asleep").setAttribute("d", asleep);
  element("area").setAttribute("d", area);
  element("grid").setAttribute("d", levels.map((level) => `M0 ${y(level)}H${width}`).join(""));
  element("scale").replaceChildren(...levels.slice(0, 3).map((level) => {
    const mark = document.createElement("span");
    mark.textContent = `${+level.toPrecision(3)} W`;
    mark.style.top = `${height - level / top * height}px`;
    return mark;
  }));
  const seconds = rows.reduce((sum, row) => sum + row.seconds, 0);
  const mean = rows.reduce((sum, row) => sum + row.watts * row.seconds, 0) / seconds;
  element("statistics").textContent = rows.length === 0 ? ""
    : `min ${fixed(Math.min(...measured))} · mean ${fixed(mean)} · max ${fixed(Math.max(...measured))} W`;
}

function list(packages, stale) {
  element("parts").replaceChildren(...packages.flatMap((each) => {
    const name = each.die === undefined ? `package ${each.package}` : `package ${each.package} die ${each.die}`;
    const domains = Object.entries(each.domains).map(([domain, part]) => row("domain", domain, part, stale));
    return [row("package", name, each, stale), ...domains];
  }));
}

function row(kind, name, part, stale) {
  const line = document.createElement("tr");
  line.className = kind;
  line.append(...[name, stale ? "–" : watts(part.watts), joules(part)].map((text) => {
    const cell = document.createElement("td");
    cell.textContent = text;
    return cell;
  }));
  return line;
}

document.addEventListener("visibilitychange", start);
start();
