// Samples as they come: places are kept free for those still to be drawn.
const grid = element.querySelector(".sample-grid");

grid.setAttribute("role", "group");
grid.setAttribute("aria-label", "Samples");

// They may lie below the fold, where nobody sees that they have come.
function reveal() {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  grid.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
}

function show(value) {
  const { pngs = [], count = 8, busy = false } = value || {};
  grid.wasStale = false;
  if (busy && !grid.classList.contains("busy")) reveal();
  grid.classList.toggle("busy", busy);
  while (grid.children.length < Math.max(count, pngs.length)) {
    const button = document.createElement("button");
    button.type = "button";
    const index = grid.children.length;
    button.addEventListener("click", () => button.firstChild && trigger("choose", { index }));
    grid.append(button);
  }
  while (grid.children.length > Math.max(count, pngs.length)) grid.lastChild.remove();
  [...grid.children].forEach((button, index) => {
    const png = pngs[index];
    button.disabled = !png;
    if (!png) { button.replaceChildren(); button.title = ""; button.removeAttribute("aria-label"); return; }
    if (!button.firstChild) button.append(new Image());
    button.firstChild.src = png;
    button.firstChild.alt = "";
    button.setAttribute("aria-label", `Sample ${index + 1}`);
    button.title = busy ? "" : "Show it in place of the mean";
  });
}

watch("value", () => show(props.value));
show(props.value);
