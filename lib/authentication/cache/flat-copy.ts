/**
 * Copies a string into memory of its own. JavaScript engines store a substring as a reference to the whole string, so a
 * cached token would keep the entire header it came from in memory.
 */
export function flatCopy(text: string): string {
  const copy = Buffer.from(text, 'latin1').toString('latin1');
  // Latin-1 is the fastest copy and fits most strings. Anything else is copied as UTF-16, which loses nothing.
  return copy === text ? copy : Buffer.from(text, 'utf16le').toString('utf16le');
}

/** Estimates the bytes that a string takes, never too low. Engines store one or two bytes per character. */
export function estimateBytes(text: string): number {
  return Buffer.byteLength(text) === text.length ? text.length : 2 * text.length;
}
