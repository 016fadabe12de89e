// On a phone: a finger that moves across a figure in space turns it, and one that moves up or down scrolls the page past
// it. Plotly's own scene would take every touch, and nobody would come past it.
const FAR = 8; // pixels across that mean it
let held = null; // the touch that began: where, on what, and whether it turns by now

const scene = (event) => event.target.closest?.("[id^='shapes-'] .gl-container");

function tell(kind, touch) {
  const { clientX, clientY } = touch;
  held.target.dispatchEvent(new MouseEvent(kind, { clientX, clientY, buttons: 1, bubbles: true, cancelable: true }));
}

function begin(event) {
  if (!scene(event) || event.touches.length > 1) return;
  event.stopPropagation();
  held = { target: event.target, touch: event.touches[0], turns: false };
}

function move(event) {
  if (!held || event.touches.length > 1) return;
  event.stopPropagation();
  const [touch] = event.touches;
  const across = Math.abs(touch.clientX - held.touch.clientX), down = Math.abs(touch.clientY - held.touch.clientY);
  if (!held.turns && across > FAR && across > down) {
    held.turns = true;
    tell("mousedown", held.touch);
  }
  if (!held.turns) return;
  event.preventDefault();
  tell("mousemove", touch);
}

function end(event) {
  if (!held) return;
  event.stopPropagation();
  if (held.turns) tell("mouseup", event.changedTouches[0]);
  held = null;
}

if (!window.reconFinger) {
  window.reconFinger = true;
  document.addEventListener("touchstart", begin, { capture: true, passive: true });
  document.addEventListener("touchmove", move, { capture: true, passive: false });
  for (const kind of ["touchend", "touchcancel"]) document.addEventListener(kind, end, { capture: true });
}
