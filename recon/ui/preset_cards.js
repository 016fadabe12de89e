// Experiments to choose from: a question and its story on each card.
const list = element.querySelector(".lab-presets");

list.setAttribute("role", "group");
list.setAttribute("aria-label", "Experiments");

function show() {
  const { presets = [] } = props.value || {};
  if (list.children.length !== presets.length) {
    list.replaceChildren(...presets.map(({ title, story }, index) => {
      const button = document.createElement("button");
      const head = document.createElement("strong"), text = document.createElement("span");
      button.type = "button";
      head.textContent = title;
      text.textContent = story;
      button.append(head, text);
      button.addEventListener("click", () => trigger("choose", { index }));
      return button;
    }));
  }
  [...list.children].forEach((button, index) => button.setAttribute("aria-pressed", String(index === props.chosen)));
}

watch("value", show);
watch("chosen", show);
show();
