/**
 * The same text in memory of its own. JavaScript engines keep a part of a text as a reference into the whole, so that
 * a token out of a header would keep the whole header in memory for as long as it is kept itself.
 */
export function flatCopy(text: string): string {
  const copy = Buffer.from(text, 'latin1').toString('latin1');
  // Latin is copied fastest, and most texts are; any other has to stay what it is as well.
  return copy === text ? copy : Buffer.from(text, 'utf16le').toString('utf16le');
}

/** How many bytes a text takes: engines keep one byte or two for each character. Never less than it really takes. */
export function bytesOf(text: string): number {
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
}
