// A few small pictures side by side, each with a title and a line; a picture that is still to come keeps its place.
const row = element.querySelector(".picture-row");

function show(value) {
  const { pictures = [] } = value || {};
  while (row.children.length > pictures.length) row.lastChild.remove();
  while (row.children.length < pictures.length) {
    const figure = document.createElement("figure"), caption = document.createElement("figcaption");
    caption.append(document.createElement("strong"), document.createElement("span"));
    figure.append(new Image(), caption);
    row.append(figure);
  }
  pictures.forEach(({ title, png, said }, index) => {
    const [image, caption] = row.children[index].children;
    image.alt = png ? title : "";
    image.classList.toggle("waiting", !png);
    if (!png) image.removeAttribute("src");
    else if (image.getAttribute("src") !== png) image.src = png;
    caption.firstChild.textContent = title;
    caption.lastChild.textContent = said;
  });
}

watch("value", () => show(props.value));
show(props.value);
