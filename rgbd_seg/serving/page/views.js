// The pictures: which are shown, what is drawn into them, and where somebody points.

const TITLES = { overlay: "Overlay", color: "Colour", depth: "Depth" };
const KEPT = "rgbd-seg.views";

export class Views {
  // `changed` is called when other pictures are wanted or another pixel is pointed at.
  constructor(host, buttons, changed) {
    this.host = host;
    this.changed = changed;
    this.figures = new Map();
    this.pixel = null;
    this.pinned = false;
    this.size = [640, 480];
    for (const button of buttons) {
      button.addEventListener("click", () => this.toggle(button.dataset.view));
    }
    this.buttons = buttons;
    const usual = matchMedia("(max-width: 820px)").matches ? ["overlay"] : ["overlay", "depth"];
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(KEPT)); } catch { /* Storage may be forbidden. */ }
    this.show(Array.isArray(kept) && kept.length && kept.every((name) => name in TITLES) ? kept : usual);
  }

  get names() { return [...this.figures.keys()]; }

  toggle(name) {
    const names = this.figures.has(name) ? this.names.filter((one) => one !== name) : [...this.names, name];
    if (names.length) this.show(names); // One stays.
    try { localStorage.setItem(KEPT, JSON.stringify(this.names)); } catch { /* See above. */ }
    this.changed();
  }

  show(names) {
    for (const [name, figure] of this.figures) if (!names.includes(name)) { figure.remove(); this.figures.delete(name); }
    for (const name of Object.keys(TITLES)) {
      if (names.includes(name) && !this.figures.has(name)) this.figures.set(name, this.make(name));
    }
    this.figures = new Map(Object.keys(TITLES).filter((n) => this.figures.has(n)).map((n) => [n, this.figures.get(n)]));
    this.host.replaceChildren(...this.figures.values());
    for (const button of this.buttons) button.setAttribute("aria-pressed", this.figures.has(button.dataset.view));
  }

  make(name) {
    const figure = document.createElement("figure");
    figure.dataset.view = name;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = this.size;
    const caption = document.createElement("figcaption");
    caption.textContent = TITLES[name];
    const full = document.createElement("button");
    full.type = "button";
    full.title = "Full screen";
    full.setAttribute("aria-label", `${TITLES[name]}: full screen`);
    full.addEventListener("click", (event) => {
      event.stopPropagation();
      if (document.fullscreenElement) document.exitFullscreen(); else figure.requestFullscreen();
    });
    const cross = document.createElement("div");
    cross.className = "cross";
    cross.hidden = true;
    cross.append(document.createElement("span"));
    figure.append(canvas, caption, full, cross);
    if (name === "depth" && this.depth) figure.append(this.scale());
    figure.addEventListener("pointermove", (event) => { if (!this.pinned && event.pointerType === "mouse") this.point(event); });
    figure.addEventListener("pointerleave", () => { if (!this.pinned) this.point(null); });
    figure.addEventListener("click", (event) => this.pin(event));
    return figure;
  }

  // The bar of the depth picture's colours, once the server has said which they are.
  useDepthColors(depth) {
    this.depth = depth;
    this.figures.get("depth")?.querySelector(".scale")?.remove();
    this.figures.get("depth")?.append(this.scale());
  }

  scale() {
    const scale = document.createElement("div");
    scale.className = "scale";
    const bar = document.createElement("i");
    bar.style.background = `linear-gradient(90deg, ${this.depth.colors.map((rgb) => `rgb(${rgb})`)})`;
    scale.append(`${this.depth.near_m} m`, bar, `${this.depth.far_m} m`);
    return scale;
  }

  pin(event) {
    const canvas = event.currentTarget.querySelector("canvas");
    const [u, v] = this.locate(canvas, event);
    const again = this.pinned && this.pixel && Math.hypot(u - this.pixel[0], v - this.pixel[1]) < 12;
    this.pinned = !again; // A second click at the same place lets go.
    this.point(again && event.pointerType !== "mouse" ? null : event);
  }

  point(event) {
    this.pixel = event && this.locate(event.currentTarget.querySelector("canvas"), event);
    this.moveCrosses(null);
    this.changed();
  }

  locate(canvas, event) {
    const box = canvas.getBoundingClientRect();
    const place = (at, start, length, pixels) => Math.min(Math.max(Math.floor(((at - start) / length) * pixels), 0), pixels - 1);
    return [place(event.clientX, box.left, box.width, this.size[0]), place(event.clientY, box.top, box.height, this.size[1])];
  }

  // `probe` is what the server says of the pixel, null while its answer is on the way.
  moveCrosses(probe) {
    for (const figure of this.figures.values()) {
      const cross = figure.querySelector(".cross");
      cross.hidden = !this.pixel;
      if (!this.pixel) continue;
      const canvas = figure.querySelector("canvas");
      const [u, v] = this.pixel;
      cross.style.left = `${canvas.offsetLeft + ((u + 0.5) / this.size[0]) * canvas.offsetWidth}px`;
      cross.style.top = `${canvas.offsetTop + ((v + 0.5) / this.size[1]) * canvas.offsetHeight}px`;
      cross.classList.toggle("left", u > this.size[0] * 0.6);
      if (probe) cross.firstChild.textContent = words(probe);
      cross.firstChild.hidden = !cross.firstChild.textContent;
    }
  }

  // Decodes and draws the pictures of one frame; they appear together.
  async draw(size, pictures) {
    this.size = size;
    const decoded = await Promise.all(pictures.map(async ([name, data]) => [name, await createImageBitmap(new Blob([data], { type: "image/jpeg" }))]));
    for (const [name, bitmap] of decoded) {
      const canvas = this.figures.get(name)?.querySelector("canvas");
      if (!canvas) { bitmap.close(); continue; }
      if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
      canvas.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
    }
  }

  dim(stale) {
    for (const figure of this.figures.values()) figure.classList.toggle("stale", stale);
  }
}

export function words(probe) {
  const parts = [];
  if (probe.class) parts.push(probe.confidence === undefined ? probe.class : `${probe.class} ${probe.confidence.toFixed(2)}`);
  parts.push(probe.depth_m === null ? "no depth" : `${probe.depth_m.toFixed(2)} m`);
  return parts.join(" · ");
}
