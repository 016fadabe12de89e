// Binds the Plotly figures that a gr.Plot makes, now and whenever it makes another.
const bind = () => {
  for (const figure of document.querySelectorAll(`#${props.plot} .js-plotly-plot`)) {
    if (figure.reconBound || !figure.on) continue;
    figure.reconBound = true;
    figure.on("plotly_click", ({ points }) => trigger("pick", { row: points[0].y, col: points[0].x }));
  }
};
const place = document.getElementById(props.plot);
if (place) new MutationObserver(bind).observe(place, { childList: true, subtree: true });
bind();
