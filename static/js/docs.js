// The documentation page works without this file. With it, examples can be copied, links open what they lead to, and
// the addresses in the programs have the scheme under which the reader sees the page, also behind a proxy with TLS.

const COPIED_MS = 1500;

for (const program of document.querySelectorAll("pre[data-program]")) {
  if (location.protocol === "https:") {
    program.textContent = program.textContent
      .replaceAll(`http://${location.host}`, `https://${location.host}`)
      .replaceAll(`ws://${location.host}`, `wss://${location.host}`);
  }
}

// only pages from this machine or over TLS may write to the clipboard
if (navigator.clipboard) {
  for (const block of document.querySelectorAll("pre.block")) addCopyButton(block);
}

window.addEventListener("hashchange", openLinkedEntry);
openLinkedEntry();

function addCopyButton(block) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button--small sample__copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => (button.textContent = "Copy"), COPIED_MS);
  });
  const sample = document.createElement("div");
  sample.className = "sample";
  block.replaceWith(sample);
  sample.append(block, button);
}

function openLinkedEntry() {
  const linked = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  if (linked instanceof HTMLDetailsElement) {
    linked.open = true;
    linked.scrollIntoView();
  }
}
