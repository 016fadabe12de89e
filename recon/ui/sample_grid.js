// Samples as they come: places are kept free for those still to be drawn.
const grid = element.querySelector(".sample-grid");

function show(value) {
  const { pngs = [], count = 8, busy = false } = value || {};
  grid.classList.remove("stale");
  grid.classList.toggle("busy", busy);
  while (grid.children.length < Math.max(count, pngs.length)) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "listitem");
    const index = grid.children.length;
    button.addEventListener("click", () => button.firstChild && trigger("choose", { index }));
    grid.append(button);
  }
  while (grid.children.length > Math.max(count, pngs.length)) grid.lastChild.remove();
  [...grid.children].forEach((button, index) => {
    const png = pngs[index];
    button.disabled = !png;
    if (!png) { button.replaceChildren(); button.title = ""; return; }
    if (!button.firstChild) button.append(new Image());
    button.firstChild.src = png;
    button.firstChild.alt = `Sample ${index + 1}`;
    button.title = busy ? "" : "Show it in place of the mean";
  });
}

watch("value", () => show(props.value));
show(props.value);
