// A slider on a logarithmic scale, and the number itself. The server hears of it when it is let go.
const [range, number] = element.querySelectorAll("input");
let most = props.most || 1024;
const toCount = (place) => Math.round(most ** (place / 1000));
const toPlace = (count) => Math.round((1000 * Math.log(count)) / Math.log(most));
const clamp = (count) => Math.min(most, Math.max(1, Math.round(Number(count)) || 1));

function show(count) {
  number.value = count;
  range.value = toPlace(count);
  range.setAttribute("aria-valuetext", `${count} pixels`);
  range.style.setProperty("--filled", `${range.value / 10}%`);
}

function settle(count) {
  show(count);
  if (count === props.value) return;
  props.value = count;
  trigger("slide", { count });
}

function scale() {
  most = props.most || 1024;
  number.max = most;
  show(clamp(props.value));
}

range.addEventListener("input", () => show(toCount(range.value)));
range.addEventListener("change", () => settle(toCount(range.value)));
number.addEventListener("change", () => settle(clamp(number.value)));
watch("value", () => show(clamp(props.value)));
watch("most", scale);
scale();
