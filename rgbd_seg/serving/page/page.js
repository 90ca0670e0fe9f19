// The page's connection: pictures and figures come in, what is looked at and asked for goes out.

import { Plot } from "./plot.js";
import { Views, words } from "./views.js";

const RETRY_MS = [300, 1000, 2000, 5000];
const POINTED_CLASSES = 6; // Lines in the plot of areas.
const at = (id) => document.getElementById(id);
const areas = new Plot(at("area-plot"));
const rates = new Plot(at("rate-plot"));
const views = new Views(at("pictures"), document.querySelectorAll("nav button"), lookSoon);

let socket = null;
let tries = 0;
let looking = 0;
let notice = ""; // What the server says.
let offline = true;
let recording = false;

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`, "rgbd-seg.page.v1");
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { tries = 0; offline = false; look(); tell(); };
  socket.onmessage = (event) => (typeof event.data === "string" ? figures(JSON.parse(event.data)) : frame(event.data));
  socket.onclose = async () => {
    offline = true;
    tell();
    setTimeout(connect, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
    const answer = await fetch("/metrics").catch(() => null);
    if (answer?.status === 403) location.reload(); // Another run of the program has another token: its form asks for it.
  };
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

// A hidden page gets no pictures, which spares the machine with the camera.
function look() {
  looking = 0;
  send({ op: "look", pictures: document.hidden ? [] : views.names, pixel: views.pixel });
}

// Once for each picture that the screen shows at most: a pointer moves more often than that.
function lookSoon() {
  looking ||= requestAnimationFrame(look);
}

async function frame(data) {
  const length = new DataView(data).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  try {
    if (header.pictures) {
      let offset = 4 + length;
      await views.draw(header.size, header.pictures.map(([name, bytes]) => {
        const picture = new Uint8Array(data, offset, bytes);
        offset += bytes;
        return [name, picture];
      }));
    }
    if (header.pixel) {
      views.moveCrosses(header.pixel);
      at("probe").textContent = `(${header.pixel.u}, ${header.pixel.v}) ${words(header.pixel)}`;
    } else if (!views.pixel) {
      at("probe").textContent = "Point at a picture for its class and distance.";
    }
    for (const row of at("classes").tBodies[0].rows) row.classList.toggle("pointed", row.dataset.name === header.pixel?.class);
  } finally {
    send({ op: "shown", number: header.number });
  }
}

function figures(data) {
  if (data.op === "hello") {
    at("name").textContent = document.title = data.name;
    at("record").hidden = !data.records;
    views.useDepthColors(data.depth);
    return;
  }
  legend(data.classes);
  const seconds = data.time_ms / 1000;
  areas.add(seconds, new Map(data.classes.filter((one) => one.area_m2).slice(0, POINTED_CLASSES)
    .map((one) => [one.name, [one.area_m2, `rgb(${one.color})`]])));
  at("viewers").textContent = data.viewers;
  at("viewers-word").textContent = data.viewers === 1 ? "viewer" : "viewers";
  if (data.state === undefined) return;
  const accent = getComputedStyle(document.body).getPropertyValue("--accent");
  const quiet = getComputedStyle(document.body).getPropertyValue("--quiet");
  rates.add(seconds, new Map([["camera", [data.capture_fps, quiet]], ["segmentation", [data.segment_fps, accent]]]));
  at("model").textContent = data.model;
  at("capture").textContent = `${data.capture_fps.toFixed(1)} fps`;
  at("segment").textContent = `${data.segment_fps.toFixed(1)} fps`;
  at("behind").textContent = `${data.behind_ms.toFixed(0)} ms`;
  at("lost").textContent = data.lost;
  recording = Boolean(data.recording);
  at("record").setAttribute("aria-pressed", recording);
  at("record-text").textContent = recording
    ? `${clock(data.recording.seconds)} · ${(data.recording.bytes / 1e6).toFixed(0)} MB${data.recording.lost ? ` · ${data.recording.lost} lost` : ""}`
    : "Record";
  at("record").title = recording ? `${data.recording.file}: click to stop` : "Record on the machine with the camera";
  const stands = data.state === "lost" || data.state === "stopped";
  notice = [stands || data.state === "connecting" ? data.message : "", data.note].filter(Boolean).join(" · ");
  at("state").className = `dot ${data.state}`;
  at("state").setAttribute("aria-label", data.state);
  views.dim(stands);
  tell();
}

function tell() {
  const text = offline ? "Connection lost. Trying again …" : notice;
  at("banner").textContent = text;
  at("banner").hidden = !text;
  if (offline) { at("state").className = "dot connecting"; views.dim(true); }
}

function legend(classes) {
  const body = at("classes").tBodies[0];
  at("no-classes").hidden = classes.length > 0;
  at("classes").hidden = classes.length === 0;
  while (body.rows.length > classes.length) body.deleteRow(-1);
  classes.forEach((one, i) => {
    const row = body.rows[i] ?? newRow(body);
    row.dataset.name = one.name;
    row.cells[0].firstChild.style.background = `rgb(${one.color})`;
    row.cells[0].lastChild.textContent = one.name;
    row.cells[1].textContent = `${Math.round(one.share * 100)} %`;
    row.cells[2].textContent = one.area_m2 === undefined ? "–" : `${one.area_m2.toFixed(2)} m²`;
    row.cells[3].textContent = one.nearest_m === undefined ? "–" : `${one.nearest_m.toFixed(2)} m`;
  });
}

function newRow(body) {
  const row = body.insertRow();
  for (let i = 0; i < 4; i++) row.insertCell();
  row.cells[0].append(document.createElement("i"), document.createElement("span"));
  return row;
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

at("record").addEventListener("click", () => send({ op: "record", on: !recording }));
document.addEventListener("visibilitychange", look);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.tagName === "INPUT") return;
  const view = { 1: "overlay", 2: "color", 3: "depth" }[event.key];
  if (view) views.toggle(view);
  if (event.key === "r" && !at("record").hidden) at("record").click();
  if (event.key === "Escape" && views.pixel) { views.pinned = false; views.pixel = null; views.moveCrosses(null); lookSoon(); }
});
connect();
