// Binds the Plotly figures that a gr.Plot makes, now and whenever it makes another.
const bind = () => {
  for (const figure of document.querySelectorAll(`#${props.plot} .js-plotly-plot`)) {
    if (figure.reconBound || !figure.on) continue;
    figure.reconBound = true;
    figure.on("plotly_click", ({ points }) => trigger("pick", { row: points[0].y, col: points[0].x }));
  }
};
// The plot mounts after this script runs, and Plotly marks its figure by a class: watch the column that holds both.
const changes = { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] };
new MutationObserver(bind).observe(element.closest(".column") || document.body, changes);
bind();
