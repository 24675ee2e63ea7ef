// Light, dark, or as the system has it.

const THEMES = ["auto", "light", "dark"];

const kept = () => {
  try {
    return localStorage.getItem("tconv-theme");
  } catch {
    return null; // a browser that keeps nothing
  }
};

export function createTheme(button, changed) {
  let theme = THEMES.includes(kept()) ? kept() : "auto";

  function show() {
    document.documentElement.dataset.theme = theme;
    button.querySelector("span").textContent = {auto: "Auto", light: "Light", dark: "Dark"}[theme];
    button.setAttribute("aria-label", `Colours: ${theme}`);
  }

  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem("tconv-theme", theme);
    } catch {
      // it then lasts as long as the page
    }
    show();
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  show();
}
