// A few small pictures side by side, each with a title and a line; a picture that is still to come keeps its place.
const row = element.querySelector(".picture-row");
// browsers draw a frame of their own around an image that has none
const NONE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

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
    if (image.getAttribute("src") !== (png || NONE)) image.src = png || NONE;
    caption.firstChild.textContent = title;
    caption.lastChild.textContent = said;
  });
}

watch("value", () => show(props.value));
show(props.value);
