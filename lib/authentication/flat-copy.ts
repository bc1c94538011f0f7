/**
 * The same text in memory of its own. JavaScript engines keep a part of a text as a reference into the whole, so that
 * a token out of a header would keep the whole header in memory for as long as it is kept itself.
 */
export function flatCopy(text: string): string {
  return Buffer.from(text).toString();
}

/** How many bytes a text takes: engines keep one byte or two for each character. Never less than it really takes. */
export function bytesOf(text: string): number {
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
}
