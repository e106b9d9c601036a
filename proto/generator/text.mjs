/** load_model -> LoadModel */
export const pascal = (name) => name.replace(/(?:^|_)([a-z0-9])/g, (_, c) => c.toUpperCase());
/** load_model -> loadModel */
export const camel = (name) => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
/** loadModel -> load_model */
export const snake = (name) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** Break text into lines of at most `width` characters. */
export function wrap(text, width) {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines[lines.length - 1];
    if (last && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines;
}
