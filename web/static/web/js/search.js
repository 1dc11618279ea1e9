// The keyboard in the records and in the ledger: J and K move, Enter opens, Escape closes, "/" goes to the query.
const drawer = document.getElementById("drawer");
const ROWS = "table.records tr.go, table.keyed tr.go";
const rows = () => [...document.querySelectorAll(ROWS)];
let from = null;

const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

function choose(row) {
  for (const other of rows()) other.setAttribute("aria-selected", other === row);
  row.querySelector("a").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  choose(next);
  if (drawer && drawer.childElementCount) open(next);
}

function open(row) {
  from = row;
  row.querySelector("a").click();
}

function close() {
  drawer.replaceChildren();
  if (from) choose(from);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && drawer && drawer.childElementCount) {
    close();
    return;
  }
  if (event.key === "Escape" && typing(event.target)) {
    event.target.blur();
    return;
  }
  if (typing(event.target)) return;
  if (event.key === "/") {
    const query = document.querySelector("input[name=q]");
    if (query) {
      event.preventDefault();
      query.focus();
      query.select();
    }
  } else if (event.key === "j" || event.key === "J") {
    event.preventDefault();
    move(1);
  } else if (event.key === "k" || event.key === "K") {
    event.preventDefault();
    move(-1);
  } else if (event.key === "Enter" && event.target === document.body) {
    const row = rows().find((one) => one.getAttribute("aria-selected") === "true");
    if (row) open(row);
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) {
    event.preventDefault();
    close();
    return;
  }
  const row = event.target.closest(ROWS);
  if (!row || event.target.closest("button")) return;
  choose(row);
  from = row;
  if (!event.target.closest("a")) row.querySelector("a").click();
});

// The drawer is a place of its own for who cannot see it slide in.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target !== drawer) return;
  drawer.scrollTop = 0;
  const heading = drawer.querySelector("h2, h1");
  if (heading && !document.activeElement.closest("table.records")) heading.focus();
});
