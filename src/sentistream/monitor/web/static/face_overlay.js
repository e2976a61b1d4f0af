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
  keepInside(overlay);
};

/** Labels stay inside the picture, and do not cover each other. */
const keepInside = (overlay) => {
  const room = overlay.getBoundingClientRect();
  const taken = [];
  for (const label of overlay.querySelectorAll(".face p")) {
    label.style.translate = "";
    const face = label.parentElement;
    const place = { width: label.offsetWidth, height: label.offsetHeight, left: parseFloat(face.style.left) / 100 * room.width };
    const shift = Math.min(0, room.width - place.width - 2 - place.left);
    const x = Math.max(place.left + shift, 2);
    let y = parseFloat(face.style.top) / 100 * room.height;
    y += face.hasAttribute("data-low") ? parseFloat(face.style.height) / 100 * room.height + 3 : -place.height - 3;
    const top = y;
    // past the labels that are there already, to the nearest free place above or below
    const step = place.height + 2;
    const isFree = (at) =>
      at >= 0 && at + place.height <= room.height &&
      !taken.some((other) => x < other.x + other.width && other.x < x + place.width && at < other.y + other.height && other.y < at + place.height);
    for (let n = 0; n < 12; n += 1) {
      const found = [top - n * step, top + n * step].find(isFree);
      if (found !== undefined) {
        y = found;
        break;
      }
    }
    y = Math.min(Math.max(y, 0), Math.max(0, room.height - place.height));
    taken.push({ x, y, width: place.width, height: place.height });
    label.style.translate = `${x - place.left}px ${y - top}px`;
  }
};
