// A menu that is the browser's own: it stays right when its choices change while it is open.
const [name] = element.querySelectorAll("span");
const select = element.querySelector("select");

function show() {
  const choices = props.choices || [];
  if (JSON.stringify(choices) !== select.dataset.choices) {
    select.replaceChildren(...choices.map(([title, value]) => new Option(title, value)));
    select.dataset.choices = JSON.stringify(choices);
  }
  select.value = props.value;
}

name.textContent = props.name;
select.setAttribute("aria-label", props.name);
select.addEventListener("change", () => {
  props.value = select.value;
  trigger("choose", { value: select.value });
});
watch("value", show);
watch("choices", show);
show();
