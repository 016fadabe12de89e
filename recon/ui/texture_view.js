// A picture of any size on a canvas: frames that follow each other fast do not flicker, and it can be saved as it is.
const frame = element.querySelector(".texture-view");
const canvas = element.querySelector("canvas");
const band = element.querySelector("i");
const pen = canvas.getContext("2d");
const picture = new Image();
const MOST_HEIGHT = 640;

function fit() {
  if (!canvas.width || canvas.hidden || !frame.clientWidth) return;
  const room = Math.min(frame.clientWidth / canvas.width, MOST_HEIGHT / canvas.height);
  const ratio = window.devicePixelRatio || 1;
  const whole = Math.floor(room * ratio) / ratio;
  const exact = room >= 1 && whole >= 0.8 * room; // else a narrow screen would leave a third of its width empty
  const scale = exact ? whole : room;
  canvas.style.width = `${canvas.width * scale}px`;
  canvas.style.imageRendering = exact ? "pixelated" : "auto";
  band.style.width = canvas.style.width;
  band.style.height = `${canvas.height * scale * held}px`;
}

let held = 0;

function show(value) {
  const { png = "", label = "", held_out = 0 } = value || {};
  held = held_out;
  canvas.hidden = !png;
  band.hidden = !png || !held;
  canvas.setAttribute("aria-label", held ? `${label}; the lowest rows are held out` : label);
  band.firstChild.textContent = held ? `held out: the lowest ${Math.round(100 * held)} %` : "";
  if (png && picture.src !== png) picture.src = png;
  fit();
}

picture.onload = () => {
  canvas.width = picture.naturalWidth;
  canvas.height = picture.naturalHeight;
  pen.drawImage(picture, 0, 0);
  fit();
};

new ResizeObserver(fit).observe(frame);
watch("value", () => show(props.value));
show(props.value);
