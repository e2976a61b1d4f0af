// Boxes about faces, with shape, word and colour.

export const put = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

export const drawFaces = (overlay, faces, mirrored = false) => {
  const left = new Map([...overlay.children].map((box) => [box.dataset.track, box]));
  for (const face of faces) {
    let box = left.get(face.track);
    left.delete(face.track);
    if (!box) {
      box = document.createElement("div");
      box.dataset.track = face.track;
      box.innerHTML = '<p><svg class="shape"><use/></svg><span></span><svg class="voice"><use href="#i-speaking"/></svg><em></em></p>';
      overlay.append(box);
    }
    box.className = `face is-${face.label}`;
    box.style.left = `${(mirrored ? 1 - face.left - face.width : face.left) * 100}%`;
    box.style.top = `${face.top * 100}%`;
    box.style.width = `${face.width * 100}%`;
    box.style.height = `${face.height * 100}%`;
    box.toggleAttribute("data-low", face.top < 0.12);
    box.toggleAttribute("data-speaking", Boolean(face.speaking));
    box.querySelector("use").setAttribute("href", `#i-${face.label}`);
    put(box.querySelector("span"), face.word);
    put(box.querySelector("em"), face.speaking);
  }
  for (const box of left.values()) box.remove();
};
