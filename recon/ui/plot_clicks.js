// Binds the Plotly figures that a gr.Plot makes, now and whenever it makes another.
let bound = [];
const bind = () => {
  for (const figure of document.querySelectorAll(`#${props.plot} .js-plotly-plot`)) {
    if (bound.includes(figure) || !figure.on) continue;
    bound.push(figure);
    figure.on("plotly_click", ({ points }) => trigger("pick", { row: points[0].y, col: points[0].x }));
  }
  // gradio puts a new figure in the old one's place and does not free that: a quarter of a megabyte a stroke. Later,
  // because Plotly may still be drawing it.
  for (const gone of bound.filter((figure) => !figure.isConnected)) setTimeout(() => window.Plotly?.purge(gone), 5000);
  bound = bound.filter((figure) => figure.isConnected);
};
// The plot mounts after this script runs, and Plotly marks its figure by a class: watch the column that holds both.
const changes = { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] };
new MutationObserver(bind).observe(element.closest(".column") || document.body, changes);
bind();
