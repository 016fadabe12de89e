// Draws the lines of a race into the Plotly figure beside it, which is kept: a gr.Plot given a new one draws all anew.
let figure = null;
let missed = false; // what came last is still to be drawn

function draw() {
  if (!figure || !window.Plotly || !props.value) return;
  missed = !figure.clientWidth; // on a tab that is not shown Plotly would find no room
  if (!missed) window.Plotly.react(figure, props.value.traces, figure.layout);
}

function bind() {
  const found = document.querySelector(`#${props.plot} .js-plotly-plot`);
  if (!found?.on || found === figure) return;
  figure = found;
  new ResizeObserver(() => { if (missed) draw(); }).observe(figure);
  draw();
}

// The plot mounts after this script runs, and Plotly marks its figure by a class.
const changes = { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] };
new MutationObserver(bind).observe(element.closest(".column") || document.body, changes);
watch("value", draw);
bind();
