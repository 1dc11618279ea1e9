// Uploads with progress: the chosen files go one after another, each as its own form, so that each is its own exhibit.
const form = document.querySelector("form[data-upload]");
const drop = form.querySelector("[data-drop]");
const picker = form.querySelector("input[type=file]");
const queue = form.querySelector("[data-queue]");
const submit = form.querySelector("button[type=submit]");
const title = form.elements.title;
const declared = form.elements.declared_sha256;
const done = new Map();
let busy = false;

picker.multiple = true;

const bytes = (n) => {
  for (const unit of ["bytes", "kB", "MB", "GB"]) {
    if (n < 1000) return `${unit === "bytes" ? n : n.toFixed(1)} ${unit}`;
    n /= 1000;
  }
  return `${n.toFixed(1)} TB`;
};
const seconds = (s) => (s < 60 ? `${Math.ceil(s)} s` : `${Math.floor(s / 60)} min ${Math.ceil(s % 60)} s`);
const stem = (name) => name.replace(/\.gz$/i, "").replace(/\.[^.]+$/, "").replace(/[_-]+/g, " ");

function show() {
  queue.replaceChildren();
  for (const file of picker.files) {
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.className = "ellipsis name";
    name.textContent = file.name;
    const size = document.createElement("span");
    size.className = "soft k";
    size.textContent = bytes(file.size);
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.hidden = true;
    bar.setAttribute("aria-label", `Upload of ${file.name}`);
    const said = document.createElement("span");
    said.className = "said";
    said.setAttribute("role", "status");
    row.append(name, size, bar, said);
    queue.append(row);
  }
  const several = picker.files.length > 1;
  if (!title.value && picker.files.length === 1) title.value = stem(picker.files[0].name);
  // One hash cannot be the hash of several files.
  declared.disabled = several;
  form.querySelector("[data-several]").hidden = !several;
  submit.textContent = several ? `Seal ${picker.files.length} files` : "Seal this file";
}

function send(file, row, several, commandId) {
  const [bar, said] = [row.querySelector("progress"), row.querySelector(".said")];
  const body = new FormData();
  for (const [key, value] of new FormData(form)) if (key !== "file") body.append(key, value);
  if (several) body.set("title", title.value ? `${title.value}, ${file.name}` : stem(file.name));
  body.set("command", commandId);
  // The file comes last: the server then knows the facts and the declared hash before the first byte.
  body.append("file", file, file.name);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const begun = performance.now();
    row.classList.remove("failed");
    bar.hidden = false;
    request.upload.addEventListener("progress", (event) => {
      const spent = (performance.now() - begun) / 1000;
      const rate = event.loaded / Math.max(spent, 0.001);
      bar.value = event.total ? event.loaded / event.total : 0;
      said.textContent = event.loaded < event.total
        ? `${bytes(event.loaded)} of ${bytes(event.total)}, ${bytes(rate)}/s, ${seconds((event.total - event.loaded) / rate)} left`
        : "All bytes are there; sealing";
    });
    request.addEventListener("load", () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { answer = {}; }
      if (request.status === 201) {
        bar.value = 1;
        said.replaceChildren();
        const link = document.createElement("a");
        link.href = answer.url;
        link.className = "link";
        link.textContent = `Sealed as ${answer.number}`;
        said.append(link, `, SHA-256 ${answer.sha256.slice(0, 8)}…${answer.sha256.slice(-4)}`);
        resolve(answer);
        return;
      }
      row.classList.add("failed");
      said.textContent = answer.sentence || `The server answered ${request.status}. Nothing was kept of this file.`;
      resolve(null);
    });
    for (const kind of ["error", "abort", "timeout"]) {
      request.addEventListener(kind, () => {
        row.classList.add("failed");
        said.textContent = "The connection broke. If the file had arrived whole it is sealed; sending it again makes no second copy.";
        resolve(null);
      });
    }
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.send(body);
  });
}

// A file keeps its command id over retries: what has already been sealed is answered, not sealed again.
function commandFor(file, index) {
  const key = `${file.name}/${file.size}/${file.lastModified}/${index}`;
  if (!done.has(key)) done.set(key, { id: index === 0 && done.size === 0 ? form.elements.command.value : crypto.randomUUID(), sealed: false });
  return done.get(key);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (busy || !form.reportValidity()) return;
  busy = true;
  submit.disabled = true;
  const files = [...picker.files];
  let last = null;
  let failed = 0;
  for (const [index, file] of files.entries()) {
    const command = commandFor(file, index);
    if (command.sealed) continue;
    const answer = await send(file, queue.children[index], files.length > 1, command.id);
    if (answer) { command.sealed = true; last = answer; } else failed += 1;
  }
  busy = false;
  submit.disabled = false;
  if (failed) submit.textContent = "Try the failed ones again";
  else if (last) window.location.assign(files.length > 1 ? last.list : last.url);
});

picker.addEventListener("change", show);
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) {
    picker.files = event.dataTransfer.files;
    show();
  }
});
window.addEventListener("beforeunload", (event) => { if (busy) event.preventDefault(); });
if (picker.files.length) show();
