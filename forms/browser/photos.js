// Show chosen photos before they are sent, and make those smaller that the server would refuse.
// A photo within the limit is sent as it is: it is evidence, and its own time and place are worth keeping.

const LONGEST = 2560;

export function previewPhotos(field) {
  const input = field.querySelector("input[type=file]");
  const previews = field.querySelector("[data-previews]");
  const most = Number(field.dataset.mostBytes);

  const show = () => {
    for (const image of previews.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    previews.replaceChildren(...[...input.files].map((file, index) => preview(file, index)), add());
  };

  // A tile under the thumb in place of the browser's own button; the field itself stays for keyboards and readers.
  const add = () => {
    const tile = document.createElement("label");
    tile.className = "add";
    tile.htmlFor = input.id;
    tile.setAttribute("aria-hidden", "true");
    tile.innerHTML = '<svg class="i"><use/></svg><span></span>';
    tile.querySelector("use").setAttribute("href", field.dataset.icon);
    tile.querySelector("span").textContent = field.dataset.add;
    return tile;
  };

  const preview = (file, index) => {
    const figure = document.createElement("figure");
    const image = document.createElement("img");
    image.src = URL.createObjectURL(file);
    image.alt = file.name;
    const caption = document.createElement("figcaption");
    caption.textContent = `${file.name} · ${size(file.size)}` + (file.shrunk ? ` · ${field.dataset.shrunk}` : "");
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "btn small";
    remove.textContent = field.dataset.remove;
    remove.setAttribute("aria-label", `${field.dataset.remove} ${file.name}`);
    remove.addEventListener("click", () => {
      put([...input.files].filter((_, other) => other !== index));
      input.focus();
    });
    figure.append(image, caption, remove);
    return figure;
  };

  const put = (files) => {
    const chosen = new DataTransfer();
    for (const file of files) chosen.items.add(file);
    input.files = chosen.files;
    kept = [...input.files];
    show();
  };

  let kept = [];
  input.addEventListener("change", async () => {
    // Choosing again adds: on a phone each press of the camera gives one photo.
    const names = new Set(kept.map((file) => `${file.name}/${file.size}/${file.lastModified}`));
    const fresh = [...input.files].filter((file) => !names.has(`${file.name}/${file.size}/${file.lastModified}`));
    const files = [...kept];
    for (const file of fresh) files.push(file.size > most ? await shrink(file) : file);
    put(files);
  });
  field.classList.add("lively");
  previews.hidden = false;
  show();
}

async function shrink(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    const smaller = new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg", lastModified: file.lastModified });
    smaller.shrunk = true;
    return smaller;
  } catch {
    return file;
  }
}

function size(bytes) {
  return bytes < 1048576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}
