// Before and after on top of each other, with a slider between them; without it they stand side by side.

for (const figure of document.querySelectorAll("[data-compare]")) {
  const [before, after] = figure.querySelectorAll("[data-side]");
  if (!before || !after) continue;
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: 100, value: 50 });
  slider.setAttribute("aria-label", figure.dataset.label);
  const move = () => {
    figure.style.setProperty("--at", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", figure.dataset.value.replace("#", slider.value));
  };
  slider.addEventListener("input", move);
  figure.classList.add("wipe");
  figure.append(slider);
  move();
}
