// Passkeys: signing in with one, and making one. The only part of signing in
// that needs a script, because browsers offer passkeys to scripts alone.
"use strict";

(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  async function post(path, body) {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.fault || "other");
    return said;
  }

  // What the server says as texts, the browser takes as bytes; and back.
  function readable(o) {
    o.challenge = bytes(o.challenge);
    if (o.user) o.user.id = bytes(o.user.id);
    for (const c of [...(o.excludeCredentials || []), ...(o.allowCredentials || [])]) c.id = bytes(c.id);
    return o;
  }

  function written(credential) {
    const r = credential.response, out = { clientDataJSON: text(r.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) if (r[part]) out[part] = text(r[part]);
    if (r.getTransports) out.transports = r.getTransports();
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response: out,
      clientExtensionResults: credential.getClientExtensionResults(), authenticatorAttachment: credential.authenticatorAttachment || undefined };
  }

  async function signIn(form) {
    const begun = await post("/auth/passkey/sign-in/begin", {});
    const credential = await navigator.credentials.get({ publicKey: readable(begun.options.publicKey) });
    return post("/auth/passkey/sign-in", { ceremony: begun.ceremony, next: form.dataset.next || "/", answer: written(credential) });
  }

  async function add(form) {
    const field = (name) => document.querySelector(`[name="${name}"][data-passkey-field]`)?.value || "";
    const who = { token: form.dataset.token || "", person: field("name"), address: field("address") };
    const begun = await post("/auth/passkey/begin", who);
    const credential = await navigator.credentials.create({ publicKey: readable(begun.options.publicKey) });
    const name = form.querySelector("[name=passkey]")?.value || form.dataset.name;
    return post("/auth/passkey", { ...who, ceremony: begun.ceremony, name, answer: written(credential) });
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) continue;
    form.hidden = false;
    for (const note of document.querySelectorAll("[data-no-passkey]")) note.hidden = true;
    form.addEventListener("submit", async (e) => {
      e.preventDefault();
      const button = form.querySelector("button"), says = form.querySelector("[role=status]");
      button.disabled = true;
      says.textContent = "";
      try {
        const done = await (form.dataset.passkey === "sign-in" ? signIn(form) : add(form));
        location.assign(done.to);
      } catch (err) {
        const key = err.name === "Error" ? err.message : "refused"; // the browser's own names mean that nobody agreed
        says.textContent = says.dataset[key.replace(/-(\w)/g, (_, c) => c.toUpperCase())] || says.dataset.other;
        button.disabled = false;
      }
    });
  }
})();
