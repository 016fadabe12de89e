// Clips side by side, in step: all walls of the page show the same frame at the same time.
// Each clip is one picture of its frames, one below another; a frame is drawn from it, a pixel a pixel.
const list = element.querySelector(".clip-wall");
const [play] = element.querySelectorAll(".clip-play");
const slider = element.querySelector("input");
const said = element.querySelector(".clip-frame");
const player = element.querySelector(".clip-player");
const PACE = 125; // milliseconds a frame
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const clock = (window.reconClips ||= { frame: 0, frames: 16, playing: !still, walls: new Map() });
let shown = []; // [pen, picture] of each clip
let side = 24;

function paint() {
  for (const [pen, picture] of shown) {
    if (!picture.complete || !picture.naturalWidth) continue;
    pen.clearRect(0, 0, side, side);
    pen.drawImage(picture, 0, clock.frame * side, side, side, 0, 0, side, side);
  }
  if (!props.leads) return;
  slider.value = clock.frame;
  said.textContent = `${clock.frame + 1} of ${clock.frames}`;
  if (!clock.playing) slider.setAttribute("aria-valuetext", `frame ${said.textContent}`);  // a reader cannot keep pace
  const word = clock.playing ? "Pause" : "Play";
  if (play.textContent !== word) play.textContent = word;
}

function show() {
  const { clips = [], frames = 16 } = props.value || {};
  side = props.value?.side || 24;
  clock.frames = frames;
  clock.frame %= frames;
  slider.max = frames - 1;
  player.hidden = !props.leads || !clips.length;
  const old = [...list.children];
  shown = clips.map(({ title, note, png }, index) => {
    const tile = old[index] ?? document.createElement("figure");
    if (!old[index]) {
      tile.append(document.createElement("figcaption"), document.createElement("canvas"), document.createElement("p"));
      tile.setAttribute("role", "listitem");
      list.append(tile);
    }
    const [caption, canvas, below] = tile.children;
    caption.textContent = title;
    below.textContent = note || "";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${title}, ${note || "a clip"}`);
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const picture = new Image();
    picture.onload = paint;
    picture.src = png;
    return [canvas.getContext("2d"), picture];
  });
  old.slice(clips.length).forEach((tile) => tile.remove());
  paint();
}

function turn(frame, playing = clock.playing) {
  Object.assign(clock, { frame, playing });
  for (const [wall, redraw] of clock.walls) wall.isConnected ? redraw() : clock.walls.delete(wall);
}

// The wall that leads turns the frames of all, while it can be seen.
const timer = setInterval(() => {
  if (!props.leads || !element.isConnected) clearInterval(timer);
  else if (clock.playing && list.offsetParent) turn((clock.frame + 1) % clock.frames);
}, PACE);

play.addEventListener("click", () => turn(clock.frame, !clock.playing));
slider.addEventListener("input", () => turn(Number(slider.value), false));
clock.walls.set(element, paint);
watch("value", show);
show();
