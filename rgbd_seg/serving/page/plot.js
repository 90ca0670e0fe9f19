// A plot of named values over the last minute, on one canvas.

const SECONDS = 60;

export class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.rows = []; // [seconds, Map(name -> [value, colour])]
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  add(seconds, values) {
    this.rows.push([seconds, values]);
    while (this.rows.length && this.rows[0][0] < seconds - SECONDS) this.rows.shift();
    this.draw();
  }

  draw() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !this.rows.length) return;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext("2d");
    const style = getComputedStyle(this.canvas);
    pen.scale(ratio, ratio);
    const now = this.rows.at(-1)[0];
    const names = new Map(this.rows.flatMap(([, values]) => [...values].map(([name, [, color]]) => [name, color])));
    const top = niceTop(Math.max(...this.rows.flatMap(([, values]) => [...values.values()].map(([value]) => value)), 0.1));
    const left = 32, bottom = height - 4;
    const x = (seconds) => width - ((now - seconds) / SECONDS) * (width - left);
    const y = (value) => bottom - (value / top) * (bottom - 8);
    pen.font = `11px ${style.fontFamily}`;
    pen.fillStyle = style.getPropertyValue("--quiet");
    pen.strokeStyle = style.getPropertyValue("--line");
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const value of [0, top / 2, top]) {
      pen.fillText(+value.toPrecision(2), left - 6, Math.max(y(value), 6));
      pen.beginPath();
      pen.moveTo(left, y(value));
      pen.lineTo(width, y(value));
      pen.stroke();
    }
    pen.lineWidth = 1.5;
    for (const [name, color] of names) {
      pen.strokeStyle = color;
      pen.beginPath();
      let drawing = false;
      for (const [seconds, values] of this.rows) {
        const entry = values.get(name);
        if (!entry) { drawing = false; continue; }
        if (drawing) pen.lineTo(x(seconds), y(entry[0])); else pen.moveTo(x(seconds), y(entry[0]));
        drawing = true;
      }
      pen.stroke();
    }
  }
}

function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}
