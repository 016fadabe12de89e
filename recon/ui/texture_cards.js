// Textures to choose from, each with a piece of it.
const group = element.querySelector(".texture-cards");

function show(value) {
  const { cards = [], chosen = -1 } = value || {};
  while (group.children.length > cards.length) group.lastChild.remove();
  while (group.children.length < cards.length) {
    const button = document.createElement("button");
    const index = group.children.length;
    button.type = "button";
    button.append(new Image(), document.createElement("span"));
    button.firstChild.alt = "";
    button.addEventListener("click", () => trigger("choose", { index }));
    group.append(button);
  }
  cards.forEach(({ title, png }, index) => {
    const button = group.children[index];
    if (button.firstChild.src !== png) button.firstChild.src = png;
    button.lastChild.textContent = title;
    button.setAttribute("aria-pressed", String(index === chosen));
  });
}

watch("value", () => show(props.value));
show(props.value);
