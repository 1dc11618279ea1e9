// Passkeys: register one, replace one, sign an act with one. The private half stays in the authenticator; what
// leaves the browser is a public key and signatures.
const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const url = (buffer) => encode(buffer).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const decode = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const PATIENCE = 120_000;

class Told extends Error {}

const isAddress = (host) => host.startsWith("[") || /^[\d.]+$/.test(host);

// What stands in the way before anything is asked of an authenticator, or "".
function hindrance(rp) {
  const host = location.hostname;
  if (isAddress(host)) return `A passkey belongs to a name, and this page was opened by a number. Open it as ${location.protocol}//${rp}${location.port ? `:${location.port}` : ""} instead.`;
  if (!window.isSecureContext) return "Browsers sign only on secure pages: open this one by https.";
  if (!window.PublicKeyCredential) return "This browser knows no passkeys. Use another one, or a key in a file.";
  if (host !== rp && !host.endsWith(`.${rp}`)) return `The passkeys of this host belong to the name ${rp}; this page was opened as ${host}.`;
  return "";
}

function sentence(error, making) {
  if (error instanceof Told) return error.message;
  switch (error.name) {
    case "NotAllowedError":
      return making
        ? "No passkey was made: it was cancelled, the time ran out, or no authenticator answered."
        : "Nothing was signed: it was cancelled, the time ran out, or your passkey is not on this device.";
    case "InvalidStateError":
      return "This authenticator holds a signing key of yours already.";
    case "NotSupportedError":
    case "ConstraintError":
      return "No authenticator here can make such a key. Use a phone, a security key, or a key in a file.";
    case "SecurityError":
      return "The browser refuses passkeys on this page: it was opened under another name than the host’s own.";
    case "AbortError":
      return "It was cancelled; nothing was signed.";
    case "TypeError":
      return "The server cannot be reached. Nothing was signed.";
    default:
      return `The browser could not sign: ${error.message}`;
  }
}

async function ask(action, body) {
  const answer = await fetch(action, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "error" });
  if (!answer.headers.get("Content-Type")?.startsWith("application/json")) {
    throw new Told(answer.status === 403 ? "This page is out of date. Reload it and try again." : "The server could not answer. Nothing was signed.");
  }
  const said = await answer.json();
  if (!answer.ok) throw new Told(said.sentence);
  return said;
}

async function signature(challenge, allow, rp) {
  const made = await navigator.credentials.get({
    publicKey: {
      challenge: decode(challenge),
      rpId: rp,
      allowCredentials: allow.map((id) => ({ type: "public-key", id: decode(id) })),
      userVerification: "preferred",
      timeout: PATIENCE,
    },
  });
  const { signature: sig, authenticatorData, clientDataJSON } = made.response;
  return JSON.stringify({ sig: encode(sig), authenticator_data: encode(authenticatorData), client_data: encode(clientDataJSON) });
}

function put(form, name, value) {
  let field = form.querySelector(`input[type=hidden][name="${name}"]`);
  if (!field) {
    field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.dataset.put = "";
    form.append(field);
  }
  field.value = value;
}

async function busy(form, button, making, work) {
  const said = form.querySelector("[data-said]");
  said.textContent = "";
  said.hidden = true;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    said.textContent = sentence(error, making);
    said.hidden = false;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

// An act: the server draws the intent for what the form says, the passkey signs it, the form goes as usual.
async function signAct(form, button) {
  const stop = hindrance(button.dataset.rp);
  if (stop) throw new Told(stop);
  const body = new FormData(form);
  body.set("sign", "passkey");
  const { intent, challenge, allow, rp } = await ask(form.action, body);
  const signed = await signature(challenge, allow, rp);
  put(form, "intent", intent);
  put(form, "signature", signed);
  form.submit();
}

// Made but not yet proven: a second press goes on with the same passkey instead of making another.
const made = new WeakMap();

async function newPasskey(form) {
  const { rp, user, register, old, known } = form.dataset;
  const stop = hindrance(rp);
  if (stop) throw new Told(stop);
  if (!made.has(form)) made.set(form, await create(rp, user, old ? [] : known.split(" ").filter(Boolean)));
  const credential = made.get(form);
  const spki = credential.response.getPublicKey?.();
  if (!spki) throw new Told("This browser does not tell the public key of a passkey. Use another one, or a key in a file.");
  const body = new FormData(form);
  body.set("spki", encode(spki));
  const drawn = await ask(form.action, body);
  const proof = await signature(drawn.challenge, [url(credential.rawId)], rp);
  if (old) put(form, "old_proof", await signature(drawn.challenge, drawn.allow, rp));
  put(form, "public", drawn.public);
  put(form, "statement", drawn.statement);
  put(form, "credential", url(credential.rawId));
  put(form, "proof", proof);
  form.dataset.statement = form.action;
  form.action = register;
  form.submit();
}

// A page that comes back from the browser's memory must not send an old signature again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const field of document.querySelectorAll("input[data-put]")) field.remove();
  for (const form of document.querySelectorAll("form[data-statement]")) {
    form.action = form.dataset.statement;
    made.delete(form);
  }
});

function create(rp, user, known) {
  return navigator.credentials.create({
    publicKey: {
      rp: { id: rp, name: "Countersign" },
      // A fresh handle, so that no sign-in passkey of the same person is overwritten.
      user: { id: crypto.getRandomValues(new Uint8Array(32)), name: user, displayName: user },
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      pubKeyCredParams: [{ type: "public-key", alg: -7 }],
      excludeCredentials: known.map((id) => ({ type: "public-key", id: decode(id) })),
      authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
      attestation: "none",
      timeout: PATIENCE,
    },
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-sign]");
  if (!button) return;
  event.preventDefault();
  if (button.form.reportValidity()) busy(button.form, button, false, () => signAct(button.form, button));
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-passkey]")) return;
  event.preventDefault();
  busy(form, event.submitter ?? form.querySelector("button"), true, () => newPasskey(form));
});
