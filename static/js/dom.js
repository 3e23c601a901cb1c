/** The few touches of the DOM that every part of the page needs. */

export function byId(id) {
  return document.getElementById(id);
}

/** Writes only what differs, so that an unchanged live region is not read out again. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Writes a sentence, with the command line options in it, such as "--demo", as unbreakable code. */
export function setSentence(node, text) {
  if (node.textContent === text) return;
  const parts = text.split(/(--[a-z][a-z-]*)/).map((part, index) => {
    if (index % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
  node.replaceChildren(...parts);
}

/** A copy of the only element in a `<template>`. */
export function cloneTemplate(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

/**
 * Disables or enables buttons, and hands the focus on when it sits on one that goes.
 *
 * A disabled button keeps the focus but answers no key: whoever works by keyboard would be stuck without seeing why.
 *
 * @param {Map<HTMLButtonElement, boolean>} enabled In the order in which they should inherit the focus.
 */
export function setEnabled(enabled) {
  const focused = document.activeElement;
  for (const [button, on] of enabled) button.disabled = !on;
  if (enabled.get(focused) === false) {
    for (const [button, on] of enabled) {
      if (on) {
        button.focus();
        return;
      }
    }
  }
}
