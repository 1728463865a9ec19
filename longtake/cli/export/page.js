"use strict";
(() => {
  const box = document.getElementById("find");
  const count = document.getElementById("count");
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const clips = [...document.querySelectorAll(".clip")].map((node) => ({
    node,
    text: fold(node.textContent),
  }));
  const parts = [...document.querySelectorAll(".scene, .chapter")];
  const find = () => {
    const words = fold(box.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const clip of clips) {
      const fits = words.every((word) => clip.text.includes(word));
      clip.node.hidden = !fits;
      if (fits) found += 1;
    }
    for (const part of parts) {
      part.hidden = words.length > 0 && !part.querySelector(".clip:not([hidden])");
      if (words.length > 0 && part.tagName === "DETAILS") part.open = true;
    }
    count.textContent = words.length === 0 ? "" : `${found} of ${clips.length} clips`;
  };
  box.addEventListener("input", find);
  box.form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== box) {
      event.preventDefault();
      box.focus();
    } else if (event.key === "Escape" && document.activeElement === box) {
      box.value = "";
      find();
    }
  });
})();
