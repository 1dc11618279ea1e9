// What every page shares: copy buttons, times in full, one submit a form, closing of open sheets.
document.documentElement.classList.add("js");

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  event.stopPropagation();
  const before = button.getAttribute("aria-label");
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    said = copyByHand(button.dataset.copy) ? "Copied" : "Could not copy";
  }
  button.classList.toggle("done", said === "Copied");
  button.setAttribute("aria-label", said);
  button.title = said;
  setTimeout(() => {
    button.classList.remove("done");
    button.setAttribute("aria-label", before);
    button.title = before;
  }, 1500);
});

// Without a secure context there is no clipboard API; a selection still copies.
function copyByHand(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "away";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

// A second press while the first is on its way would only be answered with the same receipt.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || event.defaultPrevented || "again" in event.target.dataset) return;
  const button = event.submitter;
  if (button) setTimeout(() => { button.disabled = true; }, 0);
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll("button[disabled]")) button.disabled = false;
});

document.addEventListener("click", (event) => {
  for (const sheet of document.querySelectorAll("details.pop[open]")) {
    if (!sheet.contains(event.target)) sheet.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.pop[open]");
  if (open) {
    open.open = false;
    open.querySelector("summary").focus();
    event.stopImmediatePropagation();
  }
});

// A choice that only filters needs no button once there is script.
document.addEventListener("change", (event) => {
  const control = event.target.closest("[data-submits]");
  if (control) control.form.requestSubmit();
});

// A part that did not come is said, not swallowed.
for (const kind of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(kind, (event) => {
    const status = event.detail.xhr ? event.detail.xhr.status : 0;
    if (kind === "htmx:responseError" && status < 500) return;
    let note = document.getElementById("trouble");
    if (!note) {
      note = document.createElement("div");
      note.id = "trouble";
      note.className = "notice bad trouble";
      note.setAttribute("role", "alert");
      document.body.append(note);
    }
    note.textContent = status ? "Something broke on the server; nothing was changed by halves. Try once more." : "The server cannot be reached. What you see may be old.";
    setTimeout(() => note.remove(), 6000);
  });
}
